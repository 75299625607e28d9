"""The doctor, one part at a time and as a command."""

from __future__ import annotations

from io import StringIO

from django.core.management import call_command

from mediapipe.management.doctor.checks import CHECKS
from mediapipe.management.doctor.findings import Finding, Level

BY_NAME = {check.name: check for check in CHECKS}


def findings(part: str) -> list[Finding]:
    return list(BY_NAME[part].findings())


def names(part: str) -> list[str]:
    """Return the names of this part's warnings and errors."""
    return [finding.name for finding in findings(part) if finding.level is not Level.OK]


def output(*arguments: str) -> str:
    """Return what the command prints; it must find no error."""
    file = StringIO()
    call_command("doctor", *arguments, stdout=file)
    return file.getvalue()
