"""Misconfigurations of the broker, the workers and beat."""

from __future__ import annotations

from kombu import Connection, Consumer, Queue

from mediapipe.management.doctor import workers
from mediapipe.models import Heartbeat
from mediapipe.models.heartbeats import BEAT, SWEEP
from mediapipe.settings.queues import MEDIA
from tests.support import servers
from tests.support.doctor_world import World


def unreachable_broker(world: World) -> None:
    world.broker(f"amqp://guest:guest@127.0.0.1:{servers.free_port()}//")


def wrong_password(world: World) -> None:
    servers.need(5672, "RabbitMQ")
    world.broker("amqp://guest:wrong@127.0.0.1:5672//")


def replica(world: World) -> None:
    client = world.stack.enter_context(servers.own_redis())
    client.replicaof("127.0.0.1", 1)
    world.broker(servers.url_of(client))


def quorum_queue(world: World) -> None:
    """A queue that was declared in a vhost whose default queue type is quorum."""
    url = world.stack.enter_context(servers.rabbitmq())
    with Connection(url) as connection:
        queue = Queue(MEDIA, queue_arguments={"x-queue-type": "quorum"})
        queue(connection.channel()).declare()
    world.broker(url)


def no_worker(world: World) -> None:
    world.broker("memory://")
    world.record_heartbeats(BEAT, SWEEP)


def no_beat(world: World) -> None:
    worker_on_another_broker(world)
    Heartbeat.objects.filter(part=BEAT).delete()


def no_sweep(world: World) -> None:
    worker_on_another_broker(world)
    Heartbeat.objects.filter(part=SWEEP).delete()


def worker_on_another_broker(world: World) -> None:
    """A worker that reports to this database but consumes from another broker."""
    world.broker("memory://")
    world.patch.setattr(workers, "RESULT_TIMEOUT_S", 0.2)
    world.record_heartbeats(BEAT, SWEEP, "worker celery@here")


def unknown_worker(world: World) -> None:
    """A worker on this broker that reports to another database."""
    url = world.stack.enter_context(servers.rabbitmq())
    world.broker(url)
    world.record_heartbeats(BEAT, SWEEP)
    channel = world.stack.enter_context(Connection(url)).channel()
    callbacks = [lambda *_: None]
    world.stack.enter_context(Consumer(channel, queues=[Queue(MEDIA)], callbacks=callbacks))
