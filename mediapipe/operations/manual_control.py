"""What users do by hand: pause and resume an account, retry items and give up on them.

Each change is written to the audit trail in the same transaction. A repeated request, from a double
click or an outdated page, changes nothing and is not logged.
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

    It is shown to people who may not see phone numbers, and an erasure does not search it.
    """
    reason = " ".join(text.replace("\0", "").split())
    if not 0 < len(reason) <= MAX_REASON:
        raise ValueError(f"Enter a reason of at most {MAX_REASON} characters.")
    return mask_addresses(reason)


def known_accounts() -> list[str]:
    """Return the SIDs of the accounts that are configured or have media, in order."""
    configured = providers.get("twilio").account_sids()
    return sorted({*configured, *distinct_values(MediaItem, "account_sid")})


def pause_account(account_sid: str, user: AbstractBaseUser | AnonymousUser, reason: str) -> bool:
    """Stop fetching for this account until it is resumed; return False if a user has paused it.

    Attempts in progress continue, and webhooks are still recorded.
    """
    with transaction.atomic():
        health = AccountHealth.get_or_create_for(account_sid)
        paused = health.pause(user.get_username(), reason)
        if paused:
            log_changes(user, [health], f"Paused: {reason}")
    return paused


def resume_account(account_sid: str, user: AbstractBaseUser | AnonymousUser) -> bool:
    """End a user's pause of this account; return False if there is none."""
    with transaction.atomic():
        health = AccountHealth.objects.filter(account_sid=account_sid).first()
        if not health or not health.resume():
            return False
        log_changes(user, [health], "Resumed.")
    return True


def retry(
    media: MediaQuerySet, user: AbstractBaseUser | AnonymousUser | None, by: str = ""
) -> list[int]:
    """Queue the failed ones of these items and make the waiting ones due; return their ids.

    Without a user nothing is logged. `by` is as in give_up().
    """
    with transaction.atomic():
        # The waiting ones first, because retry() turns the failed ones into waiting ones.
        ids = [*media.retry_now(), *media.retry()]
        if user:
            retried = MediaItem.objects.filter(pk__in=ids).only("media_sid", "identity")
            log_changes(user, retried, f"Retried{by}.")
    return ids


def give_up(
    media: MediaQuerySet,
    user: AbstractBaseUser | AnonymousUser | None,
    reason: str,
    by: str = "",
) -> list[int]:
    """End the unfinished ones of these items as failed; return their ids.

    `by` is what the log appends if this is a part of a larger request.
    """
    with transaction.atomic():
        name = user.get_username() if user else "a user who was deleted"
        items = lifecycle.give_up(media, f"{name}: {reason}")
        if user:
            log_changes(user, items, f"Given up{by}: {reason}")
    return [item.pk for item in items]
