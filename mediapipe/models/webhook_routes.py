from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Self

from django.db import models, transaction
from django.db.models import Q
from django.utils import timezone

from mediapipe.redaction import host_of, mask_addresses


class RouteKind(models.TextChoices):
    """The kinds of resource that have a webhook URL at Twilio."""

    NUMBER = "number", "phone number"
    SERVICE = "service", "messaging service"
    SENDER = "sender", "WhatsApp or RCS sender"
    CONVERSATIONS = "conversations", "Conversations (classic)"


class Verdict(models.TextChoices):
    """Where the webhooks of a route go, compared with PUBLIC_BASE_URL."""

    HERE = "here", "points here"
    HERE_BY_GET = "here_by_get", "points here, GET instead of POST"
    DEFERS = "defers", "defers to its numbers or account"
    ELSEWHERE = "elsewhere", "sends elsewhere"
    NO_URL = "no_url", "no URL"
    WRONG_ORIGIN = "wrong_origin", "wrong scheme or port"
    WRONG_PATH = "wrong_path", "wrong path"
    WRONG_KIND = "wrong_kind", "URL for other webhooks"
    APPLICATION = "application", "TwiML application not readable"


# The webhooks arrive here.
POINTS_HERE = (Verdict.HERE, Verdict.HERE_BY_GET)
# With DEFERS, other routes decide where the webhooks arrive.
NOT_JUDGED = (*POINTS_HERE, Verdict.DEFERS)


class WebhookRouteQuerySet(models.QuerySet["WebhookRoute"]):
    def lost(self, named: Collection[str] = ()) -> WebhookRouteQuerySet:
        """Those that pointed here once, or have one of these names, and do not point here now."""
        # A sender without a URL may have a messaging service whose URL is called.
        unknown = Q(kind=RouteKind.SENDER, verdict=Verdict.NO_URL)
        expected = Q(pointed_here_at__isnull=False) | Q(Q(name__in=named) & ~unknown)
        return self.exclude(verdict__in=NOT_JUDGED).filter(expected)


class WebhookRoute(models.Model):
    """A number, messaging service or sender of an account, and its webhook URL when last read.

    `name` is a phone number or the address of a sender, or the name of a service. `url` is what
    Twilio calls, without password and query; `via` is the SID of the messaging service or TwiML
    application that it belongs to, if it is not the row's own. `pointed_here_at` is when it was
    last seen to point here; empty if it never was, or a user accepted that it no longer does.
    """

    account_sid = models.CharField("account SID", max_length=34)
    kind = models.CharField(max_length=16, choices=RouteKind.choices)
    sid = models.CharField("SID", max_length=34)
    name = models.CharField(max_length=255, blank=True)
    url = models.CharField("URL at Twilio", max_length=2048, blank=True)
    method = models.CharField(max_length=8, blank=True)
    via = models.CharField(max_length=34, blank=True)
    verdict = models.CharField(max_length=16, choices=Verdict.choices)
    checked_at = models.DateTimeField("last read")
    pointed_here_at = models.DateTimeField("last pointed here", null=True, blank=True)

    objects = WebhookRouteQuerySet.as_manager()

    class Meta:
        permissions = [("refresh_webhookroute", "Can read the URLs at Twilio again")]
        constraints = [
            models.UniqueConstraint(fields=["account_sid", "kind", "sid"], name="one_row_a_route")
        ]

    def __str__(self) -> str:
        return mask_addresses(self.title)

    @property
    def title(self) -> str:
        """The name for users, which may be a phone number."""
        if self.kind == RouteKind.SERVICE:
            return f"messaging service {self.name or self.sid}"
        if self.kind == RouteKind.CONVERSATIONS:
            service = f" {self.sid}" if self.sid != self.account_sid else ""
            return f"Conversations (classic){service}"
        return self.name or self.sid

    @property
    def outcome(self) -> str:
        """The verdict in words, with the host if it sends elsewhere."""
        label = Verdict(self.verdict).label
        host = host_of(self.url) if self.verdict == Verdict.ELSEWHERE else ""
        return f"{label}: {host}" if host else label

    @property
    def points_here(self) -> bool:
        return self.verdict in POINTS_HERE

    @classmethod
    def record(
        cls, account_sid: str, kinds: Collection[str], rows: Iterable[Self], *, whole: bool
    ) -> None:
        """Store the routes of these kinds; if they are the `whole`, delete those that it lacks."""
        now = timezone.now()
        # Unique, because Twilio's pages may overlap; sorted below, so that concurrent workers lock
        # the rows in the same order.
        unique = {(row.kind, row.sid): row for row in rows}
        for row in unique.values():
            row.account_sid, row.checked_at = account_sid, now
        with transaction.atomic():
            cls.objects.bulk_create(
                [unique[key] for key in sorted(unique)],
                update_conflicts=True,
                unique_fields=["account_sid", "kind", "sid"],
                update_fields=["name", "url", "method", "via", "verdict", "checked_at"],
                batch_size=500,
            )
            mine = cls.objects.filter(account_sid=account_sid, kind__in=kinds)
            here = mine.filter(checked_at=now, verdict__in=POINTS_HERE)
            here.update(pointed_here_at=now)
            if whole:
                mine.filter(checked_at__lt=now).delete()


class RouteReading(models.Model):
    """When the routes of an account were last read, and what could not be read then."""

    account_sid = models.CharField("account SID", max_length=34, unique=True)
    tried_at = models.DateTimeField()
    error = models.CharField(max_length=255, blank=True)

    class Meta:
        default_permissions = ()

    def __str__(self) -> str:
        return self.account_sid
