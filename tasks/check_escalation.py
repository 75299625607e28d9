from django.utils import timezone

from mediapipe.celery import app
from mediapipe.escalation import detection
from mediapipe.operations import components, disks


@app.task(ignore_result=True)
def check_escalation() -> None:
    """Open, update and resolve the incidents of many media items, of components and of disks."""
    detection.run_detectors(timezone.now())
    components.record_stuck()
    disks.record_low_disks()
