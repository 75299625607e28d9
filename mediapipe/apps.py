from django.apps import AppConfig
from django.contrib.admin.apps import AdminConfig
from django.db.backends.signals import connection_created
from django.db.models.signals import post_migrate


class MediapipeConfig(AppConfig):
    name = "mediapipe"
    verbose_name = "Twilio media"

    def ready(self) -> None:
        # Before Django looks for its default site, which lies in this package: to set the site
        # up it would import the package, whose lists already ask for the site.
        from mediapipe import admin  # noqa: F401  (both register what they have)
        from mediapipe.models.percentiles import add_percentiles
        from mediapipe.operations import checks  # noqa: F401  (both register what they have)
        from mediapipe.operations.roles import make_roles

        connection_created.connect(add_percentiles)
        post_migrate.connect(make_roles, sender=self)


class MediaAdminConfig(AdminConfig):
    """Django's admin with our site as the default one."""

    default_site = "mediapipe.admin.site.MediaAdminSite"

    def ready(self) -> None:
        super().ready()
        from mediapipe.admin import results

        results.replace()
