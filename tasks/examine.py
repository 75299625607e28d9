"""What `manage.py doctor` asks a worker, by the way that every task takes."""

from typing import TypedDict

from mediapipe.celery import app
from mediapipe.fetching import storage
from mediapipe.providers.twilio.accounts import accounts


class Seen(TypedDict):
    """What this worker finds: the file, and the SIDs of the accounts that it knows."""

    file: bool
    accounts: list[str]


@app.task(ignore_result=False)
def examine(*, file: str) -> Seen:
    """Say whether this worker finds the stored file of that name, and which accounts it knows."""
    return {"file": storage.is_kept(file), "accounts": sorted(accounts())}
