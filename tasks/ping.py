from mediapipe.celery import app
from mediapipe.operations.ping import report_health


@app.task(ignore_result=True)
def ping() -> None:
    """Report to PING_URL whether the service is healthy."""
    report_health()
