"""The list of rejections says what each reason means, and what to do."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from django.test import Client

import mediapipe
from mediapipe.admin.rejection_reasons import MEANINGS
from mediapipe.models import Rejection
from mediapipe.operations.web_worker import REJECTIONS
from tests.support.admin import page

PACKAGE = Path(mediapipe.__file__).parent
# Where a reason is raised: as the first argument of an exception, or of Form.sid().
RAISED = re.compile(r"\b(?:Webhook(?:Forged|Unreadable|TooLarge|Looped)|\.sid)\(\s*\"(\w+)\"")


@pytest.mark.django_db
def test_the_list_explains_a_reason(admin_client: Client) -> None:
    Rejection.add("signature_wrong")
    html = page(admin_client, "mediapipe_rejection_changelist")
    assert MEANINGS["signature_wrong"].partition(".")[0] in html


def test_every_reason_has_a_meaning() -> None:
    sources = [*PACKAGE.glob("webhooks/*.py"), *PACKAGE.glob("providers/twilio/*.py")]
    raised = {reason for source in sources for reason in RAISED.findall(source.read_text())}
    assert "signature_wrong" in raised
    assert raised | set(REJECTIONS.values()) == MEANINGS.keys()
