from django.apps import AppConfig
from django.db.backends.signals import connection_created


class MediapipeConfig(AppConfig):
    name = "mediapipe"
    verbose_name = "Twilio media"

    def ready(self) -> None:
        from mediapipe import checks  # noqa: F401  (registers the system checks)
        from mediapipe.models.percentiles import add_percentiles

        connection_created.connect(add_percentiles)
