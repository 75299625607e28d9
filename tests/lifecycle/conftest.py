from __future__ import annotations

import pytest
from django.contrib.auth.models import User


@pytest.fixture
def ada(db: None) -> User:
    """Return the user who is responsible for an erasure."""
    return User.objects.create_user("ada")
