from django.utils import timezone

from mediapipe.celery import app
from mediapipe.escalation import detection
from mediapipe.operations import components


@app.task(ignore_result=True)
def check_escalation() -> None:
    """Open, update and resolve incidents that show in many media together, or in components."""
    detection.run_detectors(timezone.now())
    components.record_stuck()
