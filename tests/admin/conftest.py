from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
import time_machine
from pytest_django import Settings

from tests.support import make


@pytest.fixture
def berlin(settings: Settings, tmp_path: Path) -> None:
    """Name the account Berlin."""
    file = tmp_path / "accounts.json"
    file.write_text(json.dumps([{"account_sid": make.ACCOUNT, "name": "Berlin"}]))
    settings.TWILIO_ACCOUNT_SID = settings.TWILIO_AUTH_TOKEN = ""
    settings.TWILIO_ACCOUNTS_FILE = str(file)


@pytest.fixture
def noon() -> Iterator[None]:
    """Start the clock at noon, so that no hour and no day ends while a test runs."""
    with time_machine.travel(make.NOON):
        yield
