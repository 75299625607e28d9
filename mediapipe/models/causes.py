from __future__ import annotations

from django.db import models


class Cause(models.TextChoices):
    """What an incident is about; it is told once, however many media items it holds up."""

    EARLY_404S = "early_not_found", "Early 404s"
    SLOW_PROPAGATION = "slow_propagation", "Slow propagation"
    FAILURES = "failed_for_good", "Failed for good"
    CREDENTIALS = "credentials_refused", "Credentials"
    CREDENTIALS_SUSPECTED = "credentials_suspected", "Credentials suspected"
    RATE_LIMIT = "rate_limited", "Rate limit"
    STORAGE = "storage_failed", "Storage"
    QUEUE = "queue_delayed", "Our own queue"

    @property
    def meaning(self) -> str:
        """Return the sentence that explains it to a person."""
        return MEANINGS[self][0]

    @property
    def todo(self) -> str:
        """Return what to do about it."""
        return MEANINGS[self][1]


MEANINGS: dict[Cause, tuple[str, str]] = {
    Cause.EARLY_404S: (
        "Twilio's webhooks are faster than its media, more often than they should be.",
        "Give Twilio Support the package with the media, and note the ticket number here.",
    ),
    Cause.SLOW_PROPAGATION: (
        "Twilio's media takes much longer to be there than it did in the fortnight before.",
        "Give Twilio Support the package with the media, and note the ticket number here.",
    ),
    Cause.FAILURES: (
        "Many media items failed for good.",
        "Look at their reasons, mend what is ours, then retry them.",
    ),
    Cause.CREDENTIALS: (
        "Twilio refuses every request of this account: its media waits.",
        "Check the token or API key of the account; the items go on by themselves.",
    ),
    Cause.CREDENTIALS_SUSPECTED: (
        "Everything of this account is answered 404 and nothing was ever found.",
        "Compare the credentials with the account of the media URLs. This is no case for Twilio.",
    ),
    Cause.RATE_LIMIT: (
        "Twilio answers 429: too many requests of this account at once.",
        "Nothing: less is fetched at once. If it goes on, ask Twilio for a higher limit.",
    ),
    Cause.STORAGE: (
        "Our storage does not take the files: it is full, read-only or away.",
        "Mend the storage; the items go on by themselves.",
    ),
    Cause.QUEUE: (
        "Media waits for us, and not for Twilio.",
        "Look whether workers, beat and broker run, and whether there are enough workers.",
    ),
}
