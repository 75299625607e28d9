from mediapipe.celery import app
from mediapipe.gateway import dispatch
from mediapipe.gateway.deliver import NOT_DUE
from mediapipe.gateway.deliver import deliver as attempt


@app.task(ignore_result=True)
def deliver(*, delivery_id: int) -> str:
    """Make one attempt at a delivery; return its state, or `not due` for a duplicate."""
    state = attempt(delivery_id)
    if state != NOT_DUE:
        dispatch.publish_next(delivery_id)
    return state


@app.task(ignore_result=True)
def dispatch_deliveries() -> int:
    """Publish a task for each due delivery, late ones at the pace of their app; return how many."""
    return dispatch.dispatch_due()
