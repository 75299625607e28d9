from datetime import UTC, datetime
from typing import Any

# Beat remembers no runs over a restart. Each task is due when beat starts, else a beat restarted
# within the interval of an hourly task would never run it. All of them may run at any time.
NEVER = datetime.fromtimestamp(0, UTC)


# A silent process counts as dead after 30 seconds: together that is less than a minute. With the
# start signal these are fewer than five requests a minute, as monitoring services limit them.
PING_EVERY_S = 25.0


def beat_schedule(
    redispatch_s: float, reconcile_s: float, *, has_ping: bool
) -> dict[str, dict[str, Any]]:
    """Return CELERY_BEAT_SCHEDULE; `reconcile_s` is 0 if reconciliation does not run on its own."""
    intervals_s = {
        "tasks.redispatch.redispatch": redispatch_s,
        # The admin processes the first batch of a retry job itself, this task the others.
        "tasks.bulk_jobs.run_batches": redispatch_s,
        "tasks.notify.sweep_notices": redispatch_s,
        "tasks.hand_off.hand_off": redispatch_s,
        "tasks.gateway.dispatch_deliveries": redispatch_s,
        "tasks.count.count": 15.0,
        "tasks.delete_at_twilio.delete_at_twilio": 30.0,
        "tasks.close_incidents.close_incidents": 30.0,
        "tasks.check_escalation.check_escalation": 60.0,
        "tasks.count_hours.count_hours": 60.0,
        "tasks.purge.purge": 300.0,
        "tasks.sweep_files.sweep_files": 3600.0,
    }
    if has_ping:
        intervals_s["tasks.ping.ping"] = PING_EVERY_S
    if reconcile_s:
        intervals_s["tasks.reconcile.reconcile"] = reconcile_s
    return {
        # The name is a part of URLs at Sentry: no dots.
        task.rpartition(".")[2]: {
            "task": task,
            "schedule": interval_s,
            "last_run_at": NEVER,
            # Messages expire instead of piling up in the broker while no worker is running.
            "options": {"expires": interval_s},
        }
        for task, interval_s in intervals_s.items()
    }
