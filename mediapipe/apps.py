from django.apps import AppConfig


class MediapipeConfig(AppConfig):
    name = "mediapipe"
    verbose_name = "Twilio media"

    def ready(self) -> None:
        from mediapipe import checks  # noqa: F401  (registers the system checks)
