from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

from mediapipe.management.doctor.configuration import check_settings
from mediapipe.management.doctor.conversations import check_conversations
from mediapipe.management.doctor.credentials import check_credentials
from mediapipe.management.doctor.database import check_database, is_usable
from mediapipe.management.doctor.disk import check_disk
from mediapipe.management.doctor.findings import SKIPPED, Finding, Level
from mediapipe.management.doctor.inbound import check_numbers
from mediapipe.management.doctor.public_url import check_public_url
from mediapipe.management.doctor.storage import check_storage
from mediapipe.management.doctor.workers import check_service
from mediapipe.providers.twilio.accounts import accounts


@dataclass(frozen=True, slots=True)
class Check:
    """One area to check, and what the check requires."""

    name: str
    run: Callable[[], Iterator[Finding]]
    needs_database: bool = False
    needs_accounts: bool = False
    needs_public_url: bool = False

    def findings(self) -> Iterator[Finding]:
        """Run the check, or yield why it was skipped."""
        if self.needs_accounts and not _has_accounts():
            yield _skipped("no Twilio account is configured, or the accounts file is invalid")
        elif self.needs_database and not is_usable():
            yield _skipped("the database is not ready")
        elif self.needs_public_url and not settings.PUBLIC_BASE_URL:
            yield _skipped("PUBLIC_BASE_URL is not set")
        else:
            yield from self.run()


# In the order in which to fix their findings: each check relies on those before it.
CHECKS = (
    Check("settings", check_settings),
    Check("database", check_database),
    Check("disk", check_disk),
    Check("storage", check_storage),
    Check("service", check_service, needs_database=True, needs_accounts=True),
    Check("credentials", check_credentials, needs_accounts=True),
    Check("public URL", check_public_url, needs_accounts=True),
    Check("numbers", check_numbers, needs_accounts=True, needs_public_url=True),
    Check("conversations", check_conversations, needs_accounts=True, needs_public_url=True),
)


def _skipped(reason: str) -> Finding:
    return Finding(Level.WARNING, f"skipped: {reason}", name=SKIPPED)


def _has_accounts() -> bool:
    try:
        return bool(accounts())
    except ImproperlyConfigured:
        return False
