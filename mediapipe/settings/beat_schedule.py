from datetime import UTC, datetime
from typing import Any

# Beat does not remember runs across restarts, so each task is due when beat starts: if it restarts
# more than once an hour, it would otherwise never run an hourly task. All may run at any time.
NEVER = datetime.fromtimestamp(0, UTC)


# A silent process counts as dead after 30 seconds, so it is reported within a minute. With the
# start signal this makes fewer than five requests per minute, a limit of monitoring services.
PING_EVERY_S = 25.0


# Plus the duration of a run, this is less than a quarter of an hour.
READ_ROUTES_EVERY_S = 600.0


def beat_schedule(
    redispatch_s: float, reconcile_s: float, *, has_ping: bool, has_public_url: bool
) -> dict[str, dict[str, Any]]:
    """Return CELERY_BEAT_SCHEDULE; with a `reconcile_s` of 0 it does not contain reconciliation.

    Without a public URL there is nothing to compare the URLs at Twilio with.
    """
    intervals_s = {
        "tasks.redispatch.redispatch": redispatch_s,
        # The admin processes the first batch of a retry job, this task the others.
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
    if has_public_url:
        intervals_s["tasks.read_routes.read_routes"] = READ_ROUTES_EVERY_S
    if reconcile_s:
        intervals_s["tasks.reconcile.reconcile"] = reconcile_s
    return {
        # Sentry uses the name in URLs, so it must not contain dots.
        task.rpartition(".")[2]: {
            "task": task,
            "schedule": interval_s,
            "last_run_at": NEVER,
            # Messages expire instead of piling up in the broker while no worker is running.
            "options": {"expires": interval_s},
        }
        for task, interval_s in intervals_s.items()
    }
