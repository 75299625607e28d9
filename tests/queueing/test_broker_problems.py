"""The problem reported for a broker that responds but accepts no tasks."""

from __future__ import annotations

import shutil
from collections.abc import Callable

import pytest
import redis
from kombu import Connection, Queue
from redis.exceptions import BusyLoadingError

from mediapipe.queueing.broker import broker_error
from mediapipe.queueing.broker_problems import BrokerBlocked, explain
from mediapipe.settings.queues import MEDIA, QUEUES, declared
from tests.support import servers
from tests.support.servers import own_redis, url_of

pytestmark = pytest.mark.services

USER = "user:password@"


def problem_of(url: str, monkeypatch: pytest.MonkeyPatch) -> str | None:
    """Return the summary of the problem with this broker; None if it accepts tasks."""
    monkeypatch.setenv("CELERY_BROKER_URL", url)
    monkeypatch.setenv("CELERY_BROKER_WRITE_URL", url)
    if not (error := broker_error()):
        return None
    problem = explain(error)
    assert problem, repr(error)
    return problem.summary


def execute(client: redis.Redis, command: str) -> None:
    client.execute_command(*command.split())  # type: ignore[no-untyped-call]


def cluster(client: redis.Redis) -> None:
    execute(client, "CLUSTER ADDSLOTSRANGE 0 16383")


def cluster_without_slots(client: redis.Redis) -> None:
    pass


def replica(client: redis.Redis) -> None:
    client.replicaof("127.0.0.1", 1)


def full(client: redis.Redis) -> None:
    client.config_set("maxmemory", 1)


def no_replicas(client: redis.Redis) -> None:
    client.config_set("min-replicas-to-write", 1)


def no_snapshot(client: redis.Redis) -> None:
    shutil.rmtree(str(client.config_get("dir")["dir"]))
    client.config_set("save", "1 1")
    client.bgsave()
    while client.info("persistence")["rdb_bgsave_in_progress"]:
        pass


def no_login(client: redis.Redis) -> None:
    client.config_set("requirepass", "other")


def no_commands(client: redis.Redis) -> None:
    execute(client, "ACL SETUSER user on >password ~* &* +@read")


def no_channels(client: redis.Redis) -> None:
    execute(client, "ACL SETUSER user on >password ~* resetchannels +@all")


CLUSTER = ("--cluster-enabled", "yes")


@pytest.mark.parametrize(
    ("misconfigure", "login", "options", "summary"),
    [
        (cluster, "", CLUSTER, "is a Redis in cluster mode"),
        (cluster_without_slots, "", CLUSTER, "is a Redis in cluster mode"),
        (replica, "", (), "is a read-only Redis replica"),
        (full, "", (), "has no memory left"),
        (no_replicas, "", (), "has fewer replicas than min-replicas-to-write"),
        (no_snapshot, "", (), "cannot write its data to disk"),
        (no_login, "", (), "refuses our login"),
        (no_login, ":wrong@", (), "refuses our login"),
        (no_commands, USER, (), "does not permit our user to use the queues"),
        (no_channels, USER, (), "does not permit our user to use the queues"),
    ],
)
def test_the_reason_why_a_redis_accepts_no_tasks_is_reported(
    monkeypatch: pytest.MonkeyPatch,
    misconfigure: Callable[[redis.Redis], None],
    login: str,
    options: tuple[str, ...],
    summary: str,
) -> None:
    with own_redis(*options) as client:
        misconfigure(client)
        assert problem_of(url_of(client, login), monkeypatch) == summary


def test_the_probe_leaves_no_data_in_a_redis_that_accepts_tasks(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with own_redis() as client:
        assert problem_of(url_of(client), monkeypatch) is None
        assert client.dbsize() == 0


def declare(url: str, *queues: Queue) -> None:
    with Connection(url) as connection:
        for queue in queues:
            queue(connection.channel()).declare()


def test_queues_declared_without_a_type_count_as_classic(monkeypatch: pytest.MonkeyPatch) -> None:
    with servers.rabbitmq() as url:
        declare(url, *map(Queue, QUEUES))
        assert problem_of(url, monkeypatch) is None


def test_our_queues_are_always_declared_with_their_type() -> None:
    for kind in ("classic", "quorum"):
        assert [queue.queue_arguments for queue in declared(kind)] == [{"x-queue-type": kind}] * 3


def test_quorum_queues_are_reported_if_classic_ones_are_configured(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with servers.rabbitmq() as url:
        declare(url, Queue(MEDIA, queue_arguments={"x-queue-type": "quorum"}))
        assert problem_of(url, monkeypatch) == "has queues of another type than QUEUE_TYPE"


def test_a_vhost_without_permissions_is_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    with servers.rabbitmq() as url:
        servers.rabbitmqctl("set_permissions", "-p", url.rpartition("/")[2], "guest", "", "", "")
        assert problem_of(url, monkeypatch) == "does not permit our user to use the queues"


@pytest.mark.parametrize("rest", ["guest:guest@127.0.0.1/missing", "guest:wrong@127.0.0.1//"])
def test_a_login_that_rabbitmq_refuses_is_reported(
    monkeypatch: pytest.MonkeyPatch, rest: str
) -> None:
    servers.need(5672, "RabbitMQ")
    assert problem_of(f"amqp://{rest}", monkeypatch) == "refuses our login"


@pytest.mark.parametrize("error", [BusyLoadingError("Redis is loading"), BrokerBlocked()])
def test_a_temporary_broker_error_is_explained(error: Exception) -> None:
    assert explain(error)


def test_a_refused_connection_has_no_explanation_of_its_own() -> None:
    assert explain(ConnectionRefusedError(111, "Connection refused")) is None
