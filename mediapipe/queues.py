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


def serves(worker: str, queue: str) -> bool:
    """Tell whether a worker of this name (`media@host`) takes tasks from this queue.

    One that is named after no queue, as `celery@host`, is for all.
    """
    named = set(worker.partition("@")[0].split("-")) & set(QUEUES)
    return not named or queue in named
