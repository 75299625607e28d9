from __future__ import annotations

import pytest
from pytest_django import Settings

from mediapipe.simulator import Simulator
from tests.support.routes import NUMBER, OUR_ORIGIN


@pytest.fixture
def pointing_here(settings: Settings, twilio: Simulator) -> None:
    """Let the account have one number, which points to us."""
    settings.PUBLIC_BASE_URL = OUR_ORIGIN
    twilio.state.numbers = [NUMBER]
