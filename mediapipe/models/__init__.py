"""The tables, and the state changes of their rows.

The database is the record of pending work; the broker is only the fastest way to get it done.
"""

from mediapipe.models.accounts import AccountHealth
from mediapipe.models.api_tokens import ApiToken
from mediapipe.models.attempts import FetchAttempt
from mediapipe.models.bulk_jobs import BulkAction, BulkBatch, BulkJob, BulkJobMedia
from mediapipe.models.causes import Cause
from mediapipe.models.counters import Counter, Watermark
from mediapipe.models.deletions import Deletion
from mediapipe.models.doctor_reports import DoctorReport
from mediapipe.models.events import RepeatedWebhook, WebhookEvent
from mediapipe.models.gateway_apps import GatewayApp
from mediapipe.models.gateway_deliveries import GatewayDelivery
from mediapipe.models.gateway_replies import GatewayReply
from mediapipe.models.gateway_status import AnswerUse, AttemptResult, GatewayStatus
from mediapipe.models.hand_offs import Completion, HandOff, Receiver
from mediapipe.models.heartbeats import Heartbeat
from mediapipe.models.hourly_counts import HourlyCounts
from mediapipe.models.incident_steps import IncidentMedia, IncidentStep, StepKind
from mediapipe.models.incidents import Incident, IncidentState, Observation
from mediapipe.models.media.item import MediaItem
from mediapipe.models.notices import Channel, Notice
from mediapipe.models.reconciliations import Reconciliation
from mediapipe.models.rejections import Rejection
from mediapipe.models.status import Status
from mediapipe.models.webhook_routes import RouteKind, RouteReading, Verdict, WebhookRoute
from mediapipe.providers.base import NotFoundCause

__all__ = [
    "AccountHealth",
    "AnswerUse",
    "ApiToken",
    "AttemptResult",
    "BulkAction",
    "BulkBatch",
    "BulkJob",
    "BulkJobMedia",
    "Cause",
    "Channel",
    "Completion",
    "Counter",
    "Deletion",
    "DoctorReport",
    "FetchAttempt",
    "GatewayApp",
    "GatewayDelivery",
    "GatewayReply",
    "GatewayStatus",
    "HandOff",
    "Heartbeat",
    "HourlyCounts",
    "Incident",
    "IncidentMedia",
    "IncidentState",
    "IncidentStep",
    "MediaItem",
    "NotFoundCause",
    "Notice",
    "Observation",
    "Receiver",
    "Reconciliation",
    "Rejection",
    "RepeatedWebhook",
    "RouteKind",
    "RouteReading",
    "Status",
    "StepKind",
    "Verdict",
    "Watermark",
    "WebhookEvent",
    "WebhookRoute",
]
