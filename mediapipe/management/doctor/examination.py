"""Everything that the doctor looks at, in the order in which one mends it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from django.core.exceptions import ImproperlyConfigured

from mediapipe.management.doctor import (
    configuration,
    conversations,
    credentials,
    database,
    disk,
    inbound,
    public_url,
    storage,
    workers,
)
from mediapipe.management.doctor.findings import Finding, State
from mediapipe.providers.twilio.accounts import accounts


@dataclass(frozen=True, slots=True)
class Part:
    """One thing to look at, and what must be well before it can be."""

    name: str
    examine: Callable[[], Iterator[Finding]]
    needs_database: bool = False
    needs_accounts: bool = False


PARTS = (
    Part("settings", configuration.examine),
    Part("database", database.examine),
    Part("disk", disk.examine),
    Part("storage", storage.examine),
    Part("service", workers.examine, needs_database=True, needs_accounts=True),
    Part("credentials", credentials.examine, needs_accounts=True),
    Part("public URL", public_url.examine, needs_accounts=True),
    Part("numbers", inbound.examine, needs_accounts=True),
    Part("conversations", conversations.examine, needs_accounts=True),
)


def findings(part: Part) -> Iterator[Finding]:
    """Yield what is found about one part; a part that cannot be looked at says why."""
    if part.needs_accounts and not _has_accounts():
        yield _skipped("there is no Twilio account that can be read")
    elif part.needs_database and not database.answers():
        yield _skipped("the database is not ready")
    else:
        yield from part.examine()


def _skipped(why: str) -> Finding:
    return Finding(State.LOOK, f"not looked at: {why}", name="not_looked_at")


def _has_accounts() -> bool:
    try:
        return bool(accounts())
    except ImproperlyConfigured:
        return False
