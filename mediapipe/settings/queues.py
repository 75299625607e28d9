"""Which queue a task lies in, so that none waits behind what is less urgent.

Each queue has a worker of its own, because one worker for all takes hundreds of messages ahead:
what is urgent would then wait in its memory behind what is not.
"""

# First attempts, and what a person put back to work just now.
MEDIA = "media"
# Attempts after a failure, and whatever comes in thousands.
RETRIES = "retries"
# Sweeps and clean-ups: short, and thrown away if they are not done within seconds.
HOUSEKEEPING = "housekeeping"
QUEUES = (MEDIA, RETRIES, HOUSEKEEPING)

# Tasks that are named nowhere here go to MEDIA, or to the queue that their publisher chooses.
ROUTES = {
    "tasks.redispatch.*": {"queue": HOUSEKEEPING},
    "tasks.close_incidents.*": {"queue": HOUSEKEEPING},
    "tasks.check_escalation.*": {"queue": HOUSEKEEPING},
    "tasks.sweep_files.*": {"queue": HOUSEKEEPING},
    "tasks.retry_jobs.*": {"queue": HOUSEKEEPING},
    "tasks.reconcile.*": {"queue": HOUSEKEEPING},
    "tasks.purge.*": {"queue": HOUSEKEEPING},
    "tasks.count.*": {"queue": HOUSEKEEPING},
    "tasks.notify.sweep_notices": {"queue": HOUSEKEEPING},
    # One run at a time: a receiver that hangs holds up no more than a few threads.
    "tasks.hand_off.*": {"queue": HOUSEKEEPING},
    "tasks.delete_at_twilio.*": {"queue": HOUSEKEEPING},
    # Each may wait for a while for somebody else's server, which no sweep may have to wait for.
    "tasks.notify.notify": {"queue": RETRIES},
    "celery.*": {"queue": HOUSEKEEPING},
}


def serves(worker: str, queue: str) -> bool:
    """Tell whether a worker of this name (`media@host`) takes tasks from this queue.

    One that is named after no queue, as `celery@host`, is for all.
    """
    named = set(worker.partition("@")[0].split("-")) & set(QUEUES)
    return not named or queue in named
