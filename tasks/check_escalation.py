"""Trouble that shows only in many media together is looked for every minute."""

from django.utils import timezone

from mediapipe.celery import app
from mediapipe.escalation import detection


@app.task(ignore_result=True)
def check_escalation() -> None:
    """Open, continue and end incidents."""
    detection.check(timezone.now())
