"""The rows: what was announced, what is owed, what was tried, what was refused.

The database is the record of what is owed; the broker is only the fastest way to get it done.
"""

from mediapipe.models.attempts import FetchAttempt
from mediapipe.models.events import RepeatedWebhook, WebhookEvent
from mediapipe.models.media import MediaItem
from mediapipe.models.querysets import Status
from mediapipe.models.rejections import Rejection

__all__ = ["FetchAttempt", "MediaItem", "Rejection", "RepeatedWebhook", "Status", "WebhookEvent"]
