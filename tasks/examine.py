from typing import TypedDict

from mediapipe.celery import app
from mediapipe.fetching import storage
from mediapipe.providers import PROVIDERS


class Seen(TypedDict):
    """Whether this worker finds the file, and the SIDs of its configured accounts."""

    file: bool
    accounts: list[str]


@app.task(ignore_result=False)
def examine(*, file: str) -> Seen:
    """Return what this worker sees: `manage.py doctor` compares it with its own view."""
    sids = [sid for provider in PROVIDERS.values() for sid in provider.account_sids()]
    return {"file": storage.exists(file), "accounts": sorted(sids)}
