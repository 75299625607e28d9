from __future__ import annotations

from dataclasses import dataclass

from django.db import models


class GatewayStatus(models.TextChoices):
    """waiting -> sending -> waiting -> ... -> delivered, or one of the other ends."""

    WAITING = "waiting"
    SENDING = "sending"
    DELIVERED = "delivered"
    REFUSED = "refused"
    UNKNOWN = "unknown"
    GAVE_UP = "gave_up", "Gave up"
    DROPPED = "dropped"


OPEN = (GatewayStatus.WAITING, GatewayStatus.SENDING)
# The ends in which the app may not have the message; their requests are kept for "send again".
UNDELIVERED = (GatewayStatus.REFUSED, GatewayStatus.UNKNOWN, GatewayStatus.GAVE_UP)
# What apps answer whose check of the signature fails.
SIGNATURE_REFUSED = (401, 403)


class AnswerUse(models.TextChoices):
    """What became of the app's answer: Twilio got it, wants none, or had got another one before."""

    USED = "used"
    NOT_NEEDED = "not_needed", "Not needed"
    LOST = "lost"


@dataclass(frozen=True, slots=True)
class AttemptResult:
    """What one attempt at a delivery led to; no body and no header of the app's answer.

    `http_status` is None without an answer. `connect_s` and `total_s` are seconds.
    """

    detail: str
    http_status: int | None = None
    content_type: str = ""
    answer_bytes: int = 0
    answer: str = ""
    connect_s: float | None = None
    total_s: float | None = None
