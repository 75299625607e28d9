"""A benchmark's own broker servers, which it may measure, stop and restart."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from mediapipe.operations import programs
from mediapipe.operations.programs import Program
from mediapipe.operations.supervisor import Supervisor
from tests.benchmarks import usage
from tests.benchmarks.rig import Rig
from tests.support.servers import free_port, wait_for_port

BROKER = "broker"
SERVERS = ("beam.smp", "redis-server", "valkey-server")
RABBITMQ = "/usr/lib/rabbitmq/bin/rabbitmq-server"
# RabbitMQ stops its queues one by one.
GRACE_S = 60.0


@contextmanager
def own(kind: str, made: Rig) -> Iterator[Supervisor]:
    """Run a server of this kind for the rig alone, under the name `broker`."""
    if kind == "embedded":
        socket_path = made.folder / "broker.sock"
        made.env["CELERY_BROKER_URL"] = f"redis+socket://{socket_path}"
        is_ready = socket_path.exists
        with made.running(replace(programs.broker(), is_ready=is_ready)) as supervisor:
            yield supervisor
        return
    port = free_port()
    start = _rabbitmq if kind == "rabbitmq" else _redis
    program, env = start(made, port)
    with made.running(program, **env) as supervisor:
        wait_for_port(port)
        yield supervisor


def server(pid: int) -> int:
    """Return the PID of the server itself: this process or one of its descendants."""
    names = {each: Path(f"/proc/{each}/comm").read_text().strip() for each in usage.tree(pid)}
    return next(each for each, name in names.items() if name in SERVERS)


def _redis(made: Rig, port: int) -> tuple[Program, dict[str, str]]:
    made.env["CELERY_BROKER_URL"] = f"redis://127.0.0.1:{port}/0"
    # Like the embedded broker: its messages survive a restart.
    options = {"port": port, "bind": "127.0.0.1", "dir": made.folder, "appendonly": "yes"}
    command = ["redis-server"]
    for name, value in options.items():
        command += [f"--{name}", str(value)]
    return Program(BROKER, command, GRACE_S, lambda: _listens(port)), {}


def _rabbitmq(made: Rig, port: int) -> tuple[Program, dict[str, str]]:
    made.env["CELERY_BROKER_URL"] = f"amqp://guest:guest@127.0.0.1:{port}//"
    configured = made.folder / "rabbitmq.conf"
    configured.write_text(f"listeners.tcp.default = 127.0.0.1:{port}\n")
    env = {
        "HOME": str(made.folder),
        "RABBITMQ_NODENAME": f"{made.folder.name}@localhost",
        "RABBITMQ_DIST_PORT": str(free_port()),
        "RABBITMQ_CONFIG_FILE": str(configured),
        "RABBITMQ_CONF_ENV_FILE": "/dev/null",
        "RABBITMQ_ENABLED_PLUGINS_FILE": str(made.folder / "plugins"),
        "RABBITMQ_MNESIA_BASE": str(made.folder / "mnesia"),
        "RABBITMQ_LOG_BASE": str(made.folder / "logs"),
    }
    return Program(BROKER, [RABBITMQ], GRACE_S, lambda: _listens(port)), env


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0
