"""What operators see. Django imports this package because it is called `admin`."""

from mediapipe.admin import events, incidents, media, rejections

__all__ = ["events", "incidents", "media", "rejections"]
