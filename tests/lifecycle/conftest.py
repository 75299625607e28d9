from __future__ import annotations

import pytest
from django.contrib.auth.models import User
from pytest_django import Settings


@pytest.fixture
def ada(db: None) -> User:
    """Return the user who is responsible for an erasure."""
    return User.objects.create_user("ada")


@pytest.fixture
def deletion_enabled(settings: Settings) -> None:
    """Delete media at Twilio as soon as it is stored."""
    settings.TWILIO_AFTER_STORING, settings.TWILIO_DELETE_AFTER_S = "delete", 0.0
