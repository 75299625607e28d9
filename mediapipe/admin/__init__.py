"""What operators see. Django imports this package because it is called `admin`."""

from mediapipe.admin import events, failures, incidents, media, reasons, rejections, retries
from mediapipe.admin.timing import page

__all__ = ["events", "failures", "incidents", "media", "page", "reasons", "rejections", "retries"]
