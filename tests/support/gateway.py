"""GATEWAY_FILE, and what a webhook looks like that is passed on."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from pytest_django import Settings

APP = {"name": "bot", "url": "https://bot.example/twilio"}


def configure(settings: Settings, folder: Path, *entries: dict[str, Any] | object) -> None:
    """Let GATEWAY_FILE have these entries, each with name and URL unless it has its own."""
    path = folder / "gateway.json"
    whole = [APP | entry if isinstance(entry, dict) else entry for entry in entries]
    path.write_text(json.dumps(whole))
    settings.GATEWAY_FILE = str(path)
