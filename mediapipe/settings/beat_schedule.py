"""What beat orders, and how often."""

from typing import Any


def beat_schedule(redispatch_s: float, reconcile_s: float) -> dict[str, dict[str, Any]]:
    """Return Celery's beat schedule; `reconcile_s` is 0 where nothing is reconciled by itself."""
    orders = {
        "tasks.redispatch.redispatch": redispatch_s,
        # The admin works off the first batch of a job itself, and this the others.
        "tasks.retry_jobs.work_off_retries": redispatch_s,
        "tasks.notify.sweep_notices": redispatch_s,
        "tasks.hand_off.hand_off": redispatch_s,
        "tasks.count.count": 15.0,
        "tasks.delete_at_twilio.delete_at_twilio": 30.0,
        "tasks.close_incidents.close_incidents": 30.0,
        "tasks.check_escalation.check_escalation": 60.0,
        "tasks.purge.purge": 300.0,
        "tasks.sweep_files.sweep_files": 3600.0,
    }
    if reconcile_s:
        orders["tasks.reconcile.reconcile"] = reconcile_s
    return {task: _every(interval_s, task) for task, interval_s in orders.items()}


def _every(interval_s: float, task: str) -> dict[str, Any]:
    # While no worker listens, old orders expire instead of piling up in the broker.
    return {"task": task, "schedule": interval_s, "options": {"expires": interval_s}}
