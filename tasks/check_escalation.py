from django.utils import timezone

from mediapipe.celery import app
from mediapipe.escalation import detection


@app.task(ignore_result=True)
def check_escalation() -> None:
    """Open, update and resolve incidents that show in many media together."""
    detection.run_detectors(timezone.now())
