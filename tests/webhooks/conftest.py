from __future__ import annotations

import pytest


@pytest.fixture
def skipped_waits(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Skip the waits of a reconciliation; return their lengths in seconds."""
    waits: list[float] = []
    monkeypatch.setattr("mediapipe.webhooks.reconciliation.twilio_client.sleep", waits.append)
    return waits
