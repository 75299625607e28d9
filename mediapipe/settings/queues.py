"""The queues and their tasks, so that no task waits behind less urgent ones.

Each queue has its own worker. A worker for all of them would prefetch hundreds of messages, and
urgent ones would wait in its memory behind the others.
"""

from kombu import Exchange, Queue

# First attempts, and items that a user has just retried.
MEDIA = "media"
# Further attempts, bulk retries, notifications and gateway deliveries.
RETRIES = "retries"
# Periodic tasks: short, and their messages expire after one interval.
HOUSEKEEPING = "housekeeping"
QUEUES = (MEDIA, RETRIES, HOUSEKEEPING)

# All other tasks go to MEDIA, or to the queue that their publisher chooses.
ROUTES = {
    "tasks.redispatch.*": {"queue": HOUSEKEEPING},
    "tasks.close_incidents.*": {"queue": HOUSEKEEPING},
    "tasks.check_escalation.*": {"queue": HOUSEKEEPING},
    "tasks.sweep_files.*": {"queue": HOUSEKEEPING},
    "tasks.bulk_jobs.*": {"queue": HOUSEKEEPING},
    "tasks.reconcile.*": {"queue": HOUSEKEEPING},
    "tasks.read_routes.*": {"queue": HOUSEKEEPING},
    "tasks.purge.*": {"queue": HOUSEKEEPING},
    "tasks.count.*": {"queue": HOUSEKEEPING},
    "tasks.count_hours.*": {"queue": HOUSEKEEPING},
    "tasks.ping.*": {"queue": HOUSEKEEPING},
    "tasks.notify.sweep_notices": {"queue": HOUSEKEEPING},
    # One run per interval: a receiver that hangs blocks only a few threads.
    "tasks.hand_off.*": {"queue": HOUSEKEEPING},
    "tasks.gateway.dispatch_deliveries": {"queue": HOUSEKEEPING},
    "tasks.delete_at_twilio.*": {"queue": HOUSEKEEPING},
    # These may wait for a remote server, which must not delay the periodic tasks.
    "tasks.notify.notify": {"queue": RETRIES},
    "tasks.gateway.deliver": {"queue": RETRIES},
    "celery.*": {"queue": HOUSEKEEPING},
}


def declared(queue_type: str) -> list[Queue]:
    """Return the queues to declare; `queue_type` is classic or quorum.

    The type is always explicit, because a RabbitMQ vhost may have another default: Celery would set
    the QoS of the type it assumes, which the other rejects
    (https://github.com/celery/kombu/issues/2469).
    """
    # With quorum queues Celery delays messages inside RabbitMQ, which requires topic exchanges.
    exchange_type = "topic" if queue_type == "quorum" else "direct"
    arguments = {"x-queue-type": queue_type}
    return [
        Queue(name, Exchange(name, exchange_type), name, queue_arguments=arguments)
        for name in QUEUES
    ]


def serves(worker: str, queue: str) -> bool:
    """Return whether a worker of this name consumes this queue: `media@host` consumes `media`.

    One that is not named after a queue, such as `celery@host`, consumes all of them.
    """
    named = set(worker.partition("@")[0].split("-")) & set(QUEUES)
    return not named or queue in named
