from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from tests import servers
from tests.faults import world as worlds
from tests.faults.judge import Verdict
from tests.faults.world import World

TABLE = pytest.StashKey[list[tuple[str, str, str, Verdict]]]()
Settled = Callable[..., Verdict]
COLUMNS = ("sent", "stored", "failed", "twice", "lost", "stuck")
BROKERS = {"rabbitmq": servers.rabbitmq, "redis": servers.redis_number}


def pytest_configure(config: pytest.Config) -> None:
    config.stash[TABLE] = []
    config.addinivalue_line("markers", "both_brokers: runs on RabbitMQ and on Redis")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "broker_name" in metafunc.fixturenames:
        both = metafunc.definition.get_closest_marker("both_brokers")
        names = list(BROKERS) if both else ["rabbitmq"]
        metafunc.parametrize("broker_name", names, scope="session")


@pytest.fixture(scope="session")
def service(broker_name: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """Run the service once for all tests on one broker."""
    data_dir = tmp_path_factory.mktemp(broker_name)
    with (
        servers.postgresql() as database_url,
        BROKERS[broker_name]() as broker_url,
        worlds.running(data_dir, database_url, broker_url) as world,
    ):
        yield world


@pytest.fixture
def world(service: World) -> Iterator[World]:
    """Lend the running service to one test, and put it right afterwards."""
    yield service
    service.heal()


@pytest.fixture
def settled(world: World, broker_name: str, request: pytest.FixtureRequest) -> Settled:
    """Return the function that ends each test: it waits, judges, and fills a line of the table."""

    def settle(fault: str, moment: str, timeout_s: float = 45, *, ordered: bool = True) -> Verdict:
        verdict = world.settle(timeout_s, ordered=ordered)
        request.config.stash[TABLE].append((broker_name, fault, moment, verdict))
        return verdict

    return settle


def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, config: pytest.Config
) -> None:
    """Print the table fault x moment."""
    lines = config.stash[TABLE]
    if not lines:
        return
    terminalreporter.section("faults")
    terminalreporter.line(_line("broker", "fault", "moment", *COLUMNS))
    for broker, fault, moment, verdict in lines:
        counts = (str(getattr(verdict, name)) for name in COLUMNS)
        terminalreporter.line(_line(broker, fault, moment, *counts))


def _line(broker: str, fault: str, moment: str, *counts: str) -> str:
    figures = "".join(f"{count:>8}" for count in counts)
    return f"{broker:9} {fault:34} {moment:40}{figures}"
