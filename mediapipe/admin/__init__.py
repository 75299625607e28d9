"""What operators see. Django imports this package because it is called `admin`."""

from mediapipe.admin import events, failures, incidents, media, reasons, rejections, retries

__all__ = ["events", "failures", "incidents", "media", "reasons", "rejections", "retries"]
