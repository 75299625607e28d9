from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path

import pytest

from tests.faults import short_timeouts
from tests.faults import world as worlds
from tests.faults.judge import Verdict
from tests.faults.world import World
from tests.support import servers
from tests.support.service import LONG_S
from tests.support.tables import Table

Settled = Callable[..., Verdict]
COUNTS = ("sent", "stored", "failed", "twice", "lost", "stuck")
TABLE = Table("faults", ("broker", "fault", "moment", *COUNTS))
BROKERS = {"rabbitmq": servers.rabbitmq, "redis": servers.redis_number}


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "both_brokers: runs on RabbitMQ and on Redis")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "broker_name" in metafunc.fixturenames:
        both = metafunc.definition.get_closest_marker("both_brokers")
        names = list(BROKERS) if both else ["rabbitmq"]
        metafunc.parametrize("broker_name", names, scope="session")


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Run the tests of one broker one after the other, on one service."""
    for item in items:
        if "broker_name" in getattr(item, "fixturenames", ()):
            broker_name = item.callspec.params["broker_name"]  # type: ignore[attr-defined]
            item.add_marker(pytest.mark.xdist_group(f"faults on {broker_name}"))


@pytest.fixture(scope="session")
def service(broker_name: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """Run the service once for all tests on one broker."""
    with running_on(broker_name, tmp_path_factory.mktemp(broker_name)) as world:
        yield world


@contextmanager
def running_on(
    broker_name: str, data_dir: Path, timeouts: Mapping[str, str] = short_timeouts.ENVIRONMENT
) -> Iterator[World]:
    with (
        servers.postgresql() as database_url,
        BROKERS[broker_name]() as broker_url,
        worlds.running(data_dir, database_url, broker_url, timeouts=timeouts) as world,
    ):
        yield world


@pytest.fixture
def world(service: World) -> Iterator[World]:
    """Lend the running service to one test, and undo its faults afterwards."""
    yield service
    service.restore()


@pytest.fixture
def world_with_real_timeouts(broker_name: str, tmp_path: Path) -> Iterator[World]:
    """Run a separate service for one test, with the leases and timeouts of production."""
    with running_on(broker_name, tmp_path, short_timeouts.NONE) as world:
        yield world


@pytest.fixture
def worlds_by_broker(tmp_path: Path) -> Iterator[dict[str, World]]:
    """Run a service on each broker at the same time, for a fault that takes minutes."""
    with ExitStack() as stack:
        yield {name: stack.enter_context(running_on(name, tmp_path / name)) for name in BROKERS}


@pytest.fixture
def settled(world: World, broker_name: str) -> Settled:
    """Return the function that ends each test: it waits, judges, and adds a row to the table."""
    return partial(settle, world, broker_name)


def settle(
    world: World,
    broker_name: str,
    fault: str,
    moment: str,
    timeout_s: float = LONG_S,
    *,
    ordered: bool = True,
) -> Verdict:
    """Wait until all media are in a final state, judge them, and add a row to the table."""
    verdict = world.settle(timeout_s, ordered=ordered)
    counts = (str(getattr(verdict, name)) for name in COUNTS)
    TABLE.add(broker_name, fault, moment, *counts)
    return verdict
