"""Explains the errors of a broker that responds but accepts or delivers no tasks."""

from __future__ import annotations

from dataclasses import dataclass

from kombu.exceptions import OperationalError


class BrokerBlocked(OperationalError):
    """RabbitMQ does not confirm a message, as under a memory or disk alarm."""


@dataclass(frozen=True, slots=True)
class BrokerProblem:
    """What is wrong with the broker, as the end of a sentence, and how to fix it."""

    summary: str
    remedy: str
    refuses_login: bool = False


AWAY = BrokerProblem("does not respond", "Start it, or fix CELERY_BROKER_URL.")
CLUSTER = BrokerProblem(
    "is a Redis in cluster mode",
    "Celery needs a single server: set CELERY_BROKER_URL to a Redis without cluster mode or to "
    "RabbitMQ.",
)
REPLICA = BrokerProblem(
    "is a read-only Redis replica",
    "Set CELERY_BROKER_URL to the primary, or promote this server (REPLICAOF NO ONE).",
)
LOGIN = BrokerProblem(
    "refuses our login", "Fix user, password or vhost in CELERY_BROKER_URL.", refuses_login=True
)
PERMISSION = BrokerProblem(
    "does not permit our user to use the queues",
    "On RabbitMQ run rabbitmqctl set_permissions -p VHOST USER '.*' '.*' '.*'; on Redis run "
    "ACL SETUSER USER ~* &* +@all.",
    refuses_login=True,
)
# By the class of an error, or by the first word of its message: an error code of Redis.
PROBLEMS = {
    "CROSSSLOT": CLUSTER,
    "ClusterCrossSlotError": CLUSTER,
    "MovedError": CLUSTER,
    "AskError": CLUSTER,
    "ClusterDownError": CLUSTER,
    "ReadOnlyError": REPLICA,
    "MasterDownError": REPLICA,
    "NOREPLICAS": BrokerProblem(
        "has fewer replicas than min-replicas-to-write",
        "Start the replicas of Redis, or lower min-replicas-to-write.",
    ),
    "OutOfMemoryError": BrokerProblem(
        "has no memory left",
        "Raise maxmemory of Redis, or remove what else is in it; lower QUEUE_MAX_MESSAGES.",
    ),
    "MISCONF": BrokerProblem(
        "cannot write its data to disk",
        "See the log of Redis: free disk space, or give it permission to write its directory.",
    ),
    "BusyLoadingError": BrokerProblem("is loading its data", "Wait until Redis has loaded it."),
    "AuthenticationError": LOGIN,
    # A vhost that does not exist, or is not ours.
    "NotAllowed": LOGIN,
    "NoPermissionError": PERMISSION,
    "PreconditionFailed": BrokerProblem(
        "has queues of another type than QUEUE_TYPE",
        "Set QUEUE_TYPE to their type (classic or quorum), or set CELERY_BROKER_URL to an empty "
        "vhost.",
    ),
    "AMQPNotImplementedError": BrokerProblem(
        "has made quorum queues", "Set QUEUE_TYPE=quorum and CELERY_BROKER_URL to an empty vhost."
    ),
    "BrokerBlocked": BrokerProblem(
        "accepts no messages",
        "It has probably run out of memory or disk: see rabbitmq-diagnostics alarms.",
    ),
}


def explain(error: BaseException) -> BrokerProblem | None:
    """Return the problem of a broker that responds with this error; None for any other error.

    Nothing of the error's message is returned: it may contain the URL with its password.
    """
    for link in (error, error.__cause__, error.__context__):
        name = type(link).__name__
        if name == "AccessRefused":
            # RabbitMQ raises it for a wrong password and for a missing permission.
            return LOGIN if "Login was refused" in str(link) else PERMISSION
        problem = PROBLEMS.get(name) or PROBLEMS.get(str(link).partition(" ")[0])
        if problem:
            return problem
    return None
