from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.db import models
from django.utils import timezone

# Twilio repeats a webhook within 15 seconds, maybe from another host, or to another one of ours.
KEPT_FOR = timedelta(seconds=60)


class GatewayReply(models.Model):
    """Our response to Twilio for one delivery, kept so that a repeated webhook gets the same."""

    delivery = models.OneToOneField(
        "mediapipe.GatewayDelivery", models.CASCADE, related_name="reply", primary_key=True
    )
    content = models.JSONField(editable=False)
    expires_at = models.DateTimeField(db_index=True)

    class Meta:
        default_permissions = ()
        verbose_name_plural = "gateway replies"

    def __str__(self) -> str:
        return f"the reply to {self.delivery_id}"

    @classmethod
    def keep(cls, delivery_id: int, content: dict[str, Any]) -> None:
        """Store the reply, and delete the expired ones."""
        cls.erase_expired()
        expires_at = timezone.now() + KEPT_FOR
        row = GatewayReply(delivery_id=delivery_id, content=content, expires_at=expires_at)
        GatewayReply.objects.bulk_create([row], ignore_conflicts=True)

    @classmethod
    def find(cls, delivery_id: int) -> dict[str, Any] | None:
        """Return the content of the reply; None if there is none or it has expired."""
        kept = cls.objects.filter(delivery_id=delivery_id, expires_at__gt=timezone.now())
        return kept.values_list("content", flat=True).first()

    @classmethod
    def erase_expired(cls) -> None:
        cls.objects.filter(expires_at__lte=timezone.now()).delete()
