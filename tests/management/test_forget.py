from __future__ import annotations

from io import StringIO

import pytest
from django.contrib.auth.models import User
from django.core.management import call_command

from tests.support import make

pytestmark = pytest.mark.django_db

NUMBER = "+15550007788"


def forget(*arguments: str) -> tuple[str, str]:
    """Run the command; return its standard output and its standard error."""
    User.objects.create_user("ada")
    out, err = StringIO(), StringIO()
    call_command("forget", *arguments, "--by", "ada", "--noinput", stdout=out, stderr=err)
    return out.getvalue(), err.getvalue()


def test_forget_reports_that_nothing_was_found() -> None:
    _, errors = forget("--message-sid", make.sid("MM"))
    assert errors.startswith("Nothing recorded was found for message_sid MM")


def test_the_masked_number_is_readable_in_the_receipt() -> None:
    receipt, _ = forget("--number", NUMBER)
    assert "+•" in receipt
