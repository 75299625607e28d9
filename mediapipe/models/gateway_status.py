from __future__ import annotations

from dataclasses import dataclass

from django.db import models


class GatewayStatus(models.TextChoices):
    """waiting -> sending -> waiting -> ... -> delivered, or another final status."""

    WAITING = "waiting"
    SENDING = "sending"
    DELIVERED = "delivered"
    REFUSED = "refused"
    UNKNOWN = "unknown"
    GAVE_UP = "gave_up", "Gave up"
    DROPPED = "dropped"


OPEN = (GatewayStatus.WAITING, GatewayStatus.SENDING)
# The app may not have the message; its request is kept for "send again".
UNDELIVERED = (GatewayStatus.REFUSED, GatewayStatus.UNKNOWN, GatewayStatus.GAVE_UP)
# The HTTP status from an app whose check of the signature fails.
SIGNATURE_REFUSED = (401, 403)


class AnswerUse(models.TextChoices):
    """What became of the app's answer: Twilio got it, needs none, or had already got another."""

    USED = "used"
    NOT_NEEDED = "not_needed", "Not needed"
    LOST = "lost"


@dataclass(frozen=True, slots=True)
class AttemptResult:
    """The result of one attempt at a delivery, without the body of the app's response.

    `http_status` is None without a response. `connect_s` and `total_s` are seconds.
    """

    detail: str
    http_status: int | None = None
    content_type: str = ""
    answer_bytes: int = 0
    answer: str = ""
    connect_s: float | None = None
    total_s: float | None = None
