from django.apps import AppConfig
from django.contrib.admin.apps import AdminConfig
from django.db.backends.signals import connection_created
from django.db.models.signals import post_migrate


class MediapipeConfig(AppConfig):
    name = "mediapipe"
    verbose_name = "Twilio media"

    def ready(self) -> None:
        # Import order matters: Django's lazy default site is in mediapipe.admin, whose modules
        # already use the site while the package is being imported.
        from mediapipe import admin  # noqa: F401  (registers the model admins)
        from mediapipe.gateway import checks as gateway_checks  # noqa: F401  (registers checks)
        from mediapipe.models.delay_bins import add_delay_bins
        from mediapipe.models.percentiles import add_percentiles
        from mediapipe.operations import (  # noqa: F401  (they register receivers)
            access_log,
            checks,
            sessions,
        )
        from mediapipe.operations.roles import make_roles

        connection_created.connect(add_percentiles)
        connection_created.connect(add_delay_bins)
        post_migrate.connect(make_roles, sender=self)


class MediaAdminConfig(AdminConfig):
    default_site = "mediapipe.admin.site.MediaAdminSite"

    def ready(self) -> None:
        super().ready()
        from mediapipe.admin.task_results import replace_result_admin

        replace_result_admin()
