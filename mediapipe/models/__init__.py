"""The rows: what was announced, what is owed, what was tried, what was refused.

The database is the record of what is owed; the broker is only the fastest way to get it done.
"""

from mediapipe.models.accounts import AccountTrouble
from mediapipe.models.api_tokens import ApiToken
from mediapipe.models.attempts import FetchAttempt
from mediapipe.models.causes import Cause
from mediapipe.models.counters import Mark, Tally
from mediapipe.models.deletions import Deletion
from mediapipe.models.events import RepeatedWebhook, WebhookEvent
from mediapipe.models.hand_offs import Ending, HandOff, Receiver
from mediapipe.models.heartbeats import Heartbeat
from mediapipe.models.incident_steps import IncidentMedia, IncidentStep, Step
from mediapipe.models.incidents import Incident, Sighting, State
from mediapipe.models.media.item import MediaItem
from mediapipe.models.notices import Channel, Notice
from mediapipe.models.reconciliations import Reconciliation
from mediapipe.models.rejections import Rejection
from mediapipe.models.retries import RetryBatch, RetryJob
from mediapipe.models.status import Status
from mediapipe.providers.base import NotFoundBecause

__all__ = [
    "AccountTrouble",
    "ApiToken",
    "Cause",
    "Channel",
    "Deletion",
    "Ending",
    "FetchAttempt",
    "HandOff",
    "Heartbeat",
    "Incident",
    "IncidentMedia",
    "IncidentStep",
    "Mark",
    "MediaItem",
    "NotFoundBecause",
    "Notice",
    "Receiver",
    "Reconciliation",
    "Rejection",
    "RepeatedWebhook",
    "RetryBatch",
    "RetryJob",
    "Sighting",
    "State",
    "Status",
    "Step",
    "Tally",
    "WebhookEvent",
]
