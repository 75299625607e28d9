"""Servers that tests use if they are running at their standard local ports.

Each test gets its own database, vhost or Redis database, which is removed afterwards.
"""

from __future__ import annotations

import os
import secrets
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any, NoReturn
from urllib.parse import urlsplit

import pytest
import redis

# Like Django, prefer psycopg 3.
try:
    import psycopg as driver
except ImportError:
    import psycopg2 as driver

POSTGRESQL = "postgres://postgres@127.0.0.1:5432"
REDIS = "redis://127.0.0.1:6379"
RABBITMQ = "amqp://guest:guest@127.0.0.1:5672"
TAKEN = "taken-by-a-test"


def free_port() -> int:
    """Return an unused port that refuses connections until our server listens there.

    The socket stays bound while this process runs: with SO_REUSEADDR a server can still listen on
    its port, but the kernel assigns it to no other socket.
    """
    unused = socket.socket()
    unused.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    unused.bind(("127.0.0.1", 0))
    port: int = unused.getsockname()[1]
    unused.detach()
    return port


def need(port: int, name: str) -> None:
    """Skip the test if no server accepts connections; with REQUIRE_SERVICES=1 fail it."""
    try:
        socket.create_connection(("127.0.0.1", port), timeout=2).close()
    except OSError as error:
        missing(f"{name} is unreachable at 127.0.0.1:{port} ({error})")


def missing(reason: str) -> NoReturn:
    """Skip or fail the test because something is missing."""
    if os.environ.get("REQUIRE_SERVICES") == "1":
        pytest.fail(f"{reason}, and REQUIRE_SERVICES is set")
    pytest.skip(reason)


@contextmanager
def postgresql(template: str = "template1") -> Iterator[str]:
    """Yield the URL of a new database, empty or a copy of `template`."""
    need(5432, "PostgreSQL")
    name = f"mediapipe_{secrets.token_hex(6)}"
    with cursor(f"{POSTGRESQL}/postgres") as server:
        try:
            server.execute(f"CREATE DATABASE {name} TEMPLATE {template}")
            yield f"{POSTGRESQL}/{name}"
        finally:
            server.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")


@contextmanager
def cursor(url: str) -> Iterator[Any]:
    """Yield a cursor of a new connection in autocommit mode."""
    with closing(driver.connect(url)) as connection:
        connection.autocommit = True
        yield connection.cursor()


@contextmanager
def pgbouncer(url: str, pool_size: int) -> Iterator[str]:
    """Yield the URL of a database through PgBouncer in transaction mode, without a password."""
    program = shutil.which("pgbouncer", path=f"{os.environ['PATH']}:/usr/sbin")
    if not program:
        missing("pgbouncer is not installed")
    port = free_port()
    parts = urlsplit(url)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        users, settings = folder / "users", folder / "pgbouncer.ini"
        users.write_text(f'"{parts.username}" ""\n')
        settings.write_text(
            f"[databases]\n* = host={parts.hostname} port={parts.port}\n"
            f"[pgbouncer]\nlisten_addr = 127.0.0.1\nlisten_port = {port}\nunix_socket_dir =\n"
            f"auth_type = trust\nauth_file = {users}\n"
            f"pool_mode = transaction\ndefault_pool_size = {pool_size}\n"
            # Each transaction gets a different server connection than the one before.
            "max_client_conn = 200\nserver_round_robin = 1\n"
        )
        # PgBouncer refuses to run as root, and our umask would hide its files from another user.
        folder.chmod(0o755)
        users.chmod(0o644)
        settings.chmod(0o644)
        user = "nobody" if os.getuid() == 0 else None
        process = subprocess.Popen([program, "--quiet", settings], user=user)
        try:
            wait_for_port(port)
            yield url.replace(f":{parts.port}/", f":{port}/")
        finally:
            process.terminate()
            process.wait(10)


def wait_for_port(port: int, timeout_s: float = 60) -> None:
    """Wait until the port of this machine accepts connections; raise OSError if it never does."""
    deadline = time.monotonic() + timeout_s
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
            return
        except OSError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.05)


@contextmanager
def rabbitmq() -> Iterator[str]:
    """Yield the URL of an empty vhost."""
    need(5672, "RabbitMQ")
    if not shutil.which("rabbitmqctl"):
        missing("rabbitmqctl, which creates the vhost, is not installed")
    name = f"mediapipe_{secrets.token_hex(6)}"
    rabbitmqctl("add_vhost", name)
    try:
        rabbitmqctl("set_permissions", "-p", name, "guest", ".*", ".*", ".*")
        yield f"{RABBITMQ}/{name}"
    finally:
        rabbitmqctl("delete_vhost", name)


def rabbitmqctl(*arguments: str) -> None:
    subprocess.run(["rabbitmqctl", "--quiet", *arguments], check=True, timeout=60)  # noqa: S607


@contextmanager
def redis_number() -> Iterator[str]:
    """Yield the URL of an unused Redis database."""
    need(6379, "Redis")
    for number in range(15, 0, -1):
        with redis.Redis.from_url(f"{REDIS}/{number}") as client:
            # With SET NX, only one of two processes that check at once gets the database.
            if client.dbsize() == 0 and client.set(TAKEN, 1, nx=True):
                try:
                    yield f"{REDIS}/{number}"
                finally:
                    client.flushdb()
                return
    missing("every Redis database from 1 to 15 is in use")


@contextmanager
def own_redis(*options: str) -> Iterator[redis.Redis]:
    """Yield a client of a new Redis server without persistence."""
    if not shutil.which("redis-server"):
        missing("redis-server is not installed")
    port = free_port()
    with tempfile.TemporaryDirectory() as folder:
        command = ["redis-server", "--port", str(port), "--cluster-port", str(free_port())]
        command += ["--dir", folder, "--save", "", *options]
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
        try:
            with redis.Redis(port=port) as client:
                _wait_until_connected(client)
                yield client
        finally:
            process.kill()
            process.wait()


def url_of(client: redis.Redis, login: str = "") -> str:
    """Return the broker URL of this client's server."""
    return f"redis://{login}127.0.0.1:{client.get_connection_kwargs()['port']}/0"


def _wait_until_connected(client: redis.Redis) -> None:
    deadline = time.monotonic() + 20
    while True:
        try:
            client.ping()
        except redis.AuthenticationError:
            return
        except redis.ConnectionError:
            assert time.monotonic() < deadline, "Redis did not start"
            time.sleep(0.05)
        else:
            return
