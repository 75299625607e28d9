from __future__ import annotations

import hashlib
import secrets
from collections.abc import Iterable
from datetime import datetime, timedelta

from django.db import models
from django.db.models import Q
from django.utils import timezone

from mediapipe.models.media.item import MediaItem, MediaQuerySet

# Identifies a leaked token to people and to secret scanners.
PREFIX = "mediapipe_"
# A busy client would otherwise write its row with every request.
LAST_USED_INTERVAL = timedelta(minutes=1)


class ApiTokenQuerySet(models.QuerySet["ApiToken"]):
    def valid(self) -> ApiTokenQuerySet:
        """Return those that are neither revoked nor expired."""
        unexpired = Q(expires_at=None) | Q(expires_at__gt=timezone.now())
        return self.filter(unexpired, revoked_at=None)


class ApiToken(models.Model):
    """A bearer token for the JSON API; only its hash is stored.

    One round of SHA-256 is enough, because 256 random bits cannot be guessed, unlike a password.
    """

    name = models.CharField(max_length=64, unique=True, help_text="The app that uses it.")
    accounts = models.TextField(
        blank=True,
        default="",
        db_default="",
        help_text="SIDs of the accounts whose media it may read; empty for all accounts.",
    )
    digest = models.CharField(max_length=64, unique=True, editable=False)
    created_at = models.DateTimeField(default=timezone.now)
    expires_at = models.DateTimeField(null=True, blank=True, help_text="Empty: never.")
    last_used_at = models.DateTimeField(null=True, blank=True, help_text="To the minute.")
    revoked_at = models.DateTimeField(null=True, blank=True)

    objects = ApiTokenQuerySet.as_manager()

    class Meta:
        verbose_name = "API token"

    def __str__(self) -> str:
        return self.name

    @classmethod
    def make(
        cls, name: str, accounts: Iterable[str] = (), expires_at: datetime | None = None
    ) -> str:
        """Create a token and return it; it cannot be retrieved again.

        `accounts` are the SIDs of the accounts it is restricted to; empty means all.
        """
        token = PREFIX + secrets.token_urlsafe(32)
        cls.objects.create(
            name=name, digest=_digest(token), accounts=" ".join(accounts), expires_at=expires_at
        )
        return token

    def media(self) -> MediaQuerySet:
        """Return the media items that this token may read."""
        media = MediaItem.objects.all()
        return media.filter(account_sid__in=self.accounts.split()) if self.accounts else media

    @property
    def has_expired(self) -> bool:
        return self.expires_at is not None and self.expires_at <= timezone.now()

    @classmethod
    def authenticate(cls, token: str) -> ApiToken | None:
        """Return the token with this text and update its last use; None if unknown or revoked.

        The token may have expired.
        """
        found = cls.objects.filter(digest=_digest(token), revoked_at=None).first()
        if found:
            now = timezone.now()
            stale = Q(last_used_at=None) | Q(last_used_at__lt=now - LAST_USED_INTERVAL)
            cls.objects.filter(stale, pk=found.pk).update(last_used_at=now)
        return found


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
