"""What users do by hand: pause and resume an account, give up on items.

Each change is in the audit trail, in the transaction that makes it. A repeated request, of a
double click or of a page that is out of date, changes nothing and is not logged.
"""

from __future__ import annotations

from django.contrib.auth.models import AbstractBaseUser, AnonymousUser
from django.db import transaction

from mediapipe import providers
from mediapipe.lifecycle import give_up as lifecycle
from mediapipe.models import AccountHealth, MediaItem
from mediapipe.models.distinct import distinct_values
from mediapipe.models.media.item import MediaQuerySet
from mediapipe.operations.audit_log import log_changes
from mediapipe.redaction import mask_addresses

MAX_REASON = 200


def clean_reason(text: str) -> str:
    """Return a reason as one line, with numbers masked; raise ValueError for none or a long one.

    More people read it than may see phone numbers, and an erasure does not search it.
    """
    reason = " ".join(text.replace("\0", "").split())
    if not 0 < len(reason) <= MAX_REASON:
        raise ValueError(f"Write a reason of at most {MAX_REASON} characters.")
    return mask_addresses(reason)


def known_accounts() -> list[str]:
    """Return the SIDs of the accounts that are configured or have media, in order."""
    configured = providers.get("twilio").account_sids()
    return sorted({*configured, *distinct_values(MediaItem, "account_sid")})


def pause_account(account_sid: str, user: AbstractBaseUser | AnonymousUser, reason: str) -> bool:
    """Fetch nothing of this account until it is resumed; return False if it is paused by a user.

    Attempts that are running end; webhooks are recorded as ever.
    """
    with transaction.atomic():
        health = AccountHealth.get_or_create_for(account_sid)
        paused = health.pause(user.get_username(), reason)
        if paused:
            log_changes(user, [health], f"Paused: {reason}")
    return paused


def resume_account(account_sid: str, user: AbstractBaseUser | AnonymousUser) -> bool:
    """End the pause by a user; return False if there is none."""
    with transaction.atomic():
        health = AccountHealth.objects.filter(account_sid=account_sid).first()
        if not health or not health.resume():
            return False
        log_changes(user, [health], "Resumed.")
    return True


def give_up(
    media: MediaQuerySet,
    user: AbstractBaseUser | AnonymousUser | None,
    reason: str,
    by: str = "",
) -> list[int]:
    """End the unfinished ones of these items as failed; return their ids.

    `by` is how the log names a larger request that this is a part of.
    """
    with transaction.atomic():
        name = user.get_username() if user else "a user who was deleted"
        items = lifecycle.give_up(media, f"{name}: {reason}")
        if user:
            log_changes(user, items, f"Given up{by}: {reason}")
    return [item.pk for item in items]
