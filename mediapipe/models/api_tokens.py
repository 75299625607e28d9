from __future__ import annotations

import hashlib
import secrets
from collections.abc import Iterable
from datetime import datetime, timedelta

from django.db import models
from django.db.models import Q
from django.utils import timezone

from mediapipe.models.media.item import MediaItem, MediaQuerySet

# Lets people, and programs that look for leaked secrets, see what it is.
PREFIX = "mediapipe_"
# A busy client would otherwise write its row with every request.
NOTE_EVERY = timedelta(minutes=1)


class ApiTokenQuerySet(models.QuerySet["ApiToken"]):
    """The questions that are asked of tokens."""

    def valid(self) -> ApiTokenQuerySet:
        """Those that nobody has revoked."""
        return self.filter(revoked_at=None)


class ApiToken(models.Model):
    """What a program shows to read the API; only its hash is kept.

    A token has 256 random bits, so that one round of SHA-256 is all it needs: there is nothing
    to guess, other than with a password.
    """

    name = models.CharField(max_length=64, unique=True, help_text="Who uses it.")
    accounts = models.TextField(
        blank=True,
        default="",
        db_default="",
        help_text="SIDs of the accounts whose media it sees; empty for every account.",
    )
    digest = models.CharField(max_length=64, unique=True, editable=False)
    created_at = models.DateTimeField(default=timezone.now)
    last_used_at = models.DateTimeField(null=True, blank=True, help_text="To the minute.")
    revoked_at = models.DateTimeField(null=True, blank=True)

    objects = ApiTokenQuerySet.as_manager()

    class Meta:
        verbose_name = "API token"

    def __str__(self) -> str:
        return self.name

    @classmethod
    def make(cls, name: str, accounts: Iterable[str] = ()) -> str:
        """Return a new token under this name; nobody can read it a second time.

        With `accounts`, their SIDs, it sees the media of these alone.
        """
        token = PREFIX + secrets.token_urlsafe(32)
        cls.objects.create(name=name, digest=_digest(token), accounts=" ".join(accounts))
        return token

    def media(self) -> MediaQuerySet:
        """Return the media that it may see."""
        media = MediaItem.objects.all()
        return media.filter(account_sid__in=self.accounts.split()) if self.accounts else media

    @classmethod
    def of(cls, token: str) -> ApiToken | None:
        """Return the valid token that this is, and note that it was used; None for any other."""
        found = cls.objects.valid().filter(digest=_digest(token)).first()
        if found:
            found._note_use(timezone.now())
        return found

    def _note_use(self, now: datetime) -> None:
        rarely = Q(last_used_at=None) | Q(last_used_at__lt=now - NOTE_EVERY)
        ApiToken.objects.filter(rarely, pk=self.pk).update(last_used_at=now)


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
