from __future__ import annotations

import ipaddress
from collections.abc import Iterator
from pathlib import Path

import hypothesis
import pytest
from django.db import connections
from pytest_django import Settings

from mediapipe import logs
from mediapipe.operations import access_log, login_limits
from mediapipe.queueing import dispatch
from mediapipe.queueing.limits import account_quota, countdown_limit
from mediapipe.settings.network import CA_VARIABLES, PROXY_VARIABLES
from mediapipe.simulator import Simulator
from mediapipe.webhooks import rejections
from tests.support import make, tables

# The same examples in each run and no time limit for one, so that no test fails by chance.
hypothesis.settings.load_profile("ci")


# xdist reads the groups in its own hook and ignores those that are added after it.
@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Run tests that start real processes one after the other, in one xdist worker.

    Two whole services at once would slow each other down, and these tests measure time.
    """
    for item in items:
        if item.get_closest_marker("services") and not item.get_closest_marker("xdist_group"):
            item.add_marker(pytest.mark.xdist_group("services"))


@pytest.hookimpl(tryfirst=True)
def pytest_collection_finish(session: pytest.Session) -> None:
    """Start with those tests, after pytest-django has sorted all: they are the longest group."""
    session.items.sort(key=lambda item: item.get_closest_marker("services") is None)


def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> None:
    """Send the rows of tables along with the report of the test that added them."""
    if call.when == "call":
        item.user_properties += tables.take_rows()


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print the tables that tests filled, such as the results of the simulated weeks."""
    reports = [
        report
        for category in terminalreporter.stats.values()
        for report in category
        if isinstance(report, pytest.TestReport) and report.when == "call"
    ]
    for title, lines in tables.tables_in(reports):
        terminalreporter.section(title)
        for line in lines:
            terminalreporter.write_line(line)


@pytest.fixture(scope="session")
def django_db_modify_db_settings(
    django_db_modify_db_settings_parallel_suffix: None, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Keep SQLite's test database in a file: its shared-cache memory mode locks out threads."""
    database = connections["default"].settings_dict
    if "sqlite3" in database["ENGINE"]:
        database["TEST"]["NAME"] = str(tmp_path_factory.mktemp("database") / "test.sqlite3")
        # Otherwise a thread that a test starts would leave its connection open when it ends, and
        # Python 3.13 and newer warn about that.
        database["CONN_MAX_AGE"] = 0


@pytest.fixture(autouse=True)
def isolated_settings(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[None]:
    """Give every test its own account and storage, and none of this machine's settings."""
    # The real hashers are slow on purpose, and most tests of the admin log in.
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    # Otherwise each test client would scan all static files first.
    settings.WHITENOISE_AUTOREFRESH = True
    settings.TWILIO_ACCOUNT_SID = make.ACCOUNT
    settings.TWILIO_AUTH_TOKEN = make.TOKEN
    settings.TWILIO_API_KEY = settings.TWILIO_API_SECRET = settings.TWILIO_ACCOUNTS_FILE = ""
    settings.TWILIO_API_HOSTS = []
    settings.TWILIO_API_URL = "https://api.twilio.com"
    settings.TWILIO_MCS_URL = "https://mcs.us1.twilio.com"
    settings.TWILIO_AFTER_STORING = "keep"
    settings.GATEWAY_FILE = ""
    settings.MEDIA_REDIRECT_HOSTS = []
    settings.MEDIA_ALLOWED_NETWORKS = []
    settings.MEDIA_PROXY, settings.MEDIA_CA_CERTIFICATES = None, ""
    for name in (*PROXY_VARIABLES, *CA_VARIABLES):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)
    settings.PUBLIC_BASE_URL = ""
    settings.OTHER_BASE_URLS = settings.HTTPS_ORIGINS = []
    settings.ESCALATION_EMAILS = []
    settings.ESCALATION_WEBHOOK_URL = settings.ESCALATION_SLACK_URL = ""
    # The repository's own may have gigabytes: the minimal Debian of `make test-newest`.
    settings.DATA_DIR = tmp_path
    settings.SPOOL_DIR = tmp_path / "spool"
    settings.MEDIA_ROOT = str(tmp_path / "media")
    options = {"location": settings.MEDIA_ROOT, "base_url": None, "allow_overwrite": True}
    backend = settings.STORAGES["media"] | {"OPTIONS": options}
    settings.STORAGES = settings.STORAGES | {"media": backend}
    # State of the process that outlives a test: cached queue counts (1 s), the circuit breaker
    # (3 s), the rate limits of the logs of rejections and refusals (10 s), failed logins, and
    # connections to the broker of an earlier test.
    account_quota.reset()
    countdown_limit.reset()
    dispatch.producer_pool.reset()
    monkeypatch.setattr(dispatch, "breaker", dispatch.CircuitBreaker())
    monkeypatch.setattr(rejections, "_logged_at", {})
    monkeypatch.setattr(access_log, "_refusals", {})
    monkeypatch.setattr(login_limits, "limits", login_limits.LoginLimits())
    # Log lines must not carry ids that an earlier test bound either.
    with logs.about():
        yield


@pytest.fixture
def twilio(settings: Settings) -> Iterator[Simulator]:
    """Run a simulated Twilio, and let this process fetch from it."""
    with Simulator(accounts={make.ACCOUNT: make.TOKEN}) as simulator:
        environment = simulator.environment()
        settings.TWILIO_API_HOSTS = [environment["TWILIO_API_HOSTS"]]
        settings.TWILIO_API_URL = environment["TWILIO_API_URL"]
        settings.TWILIO_MCS_URL = environment["TWILIO_MCS_URL"]
        settings.MEDIA_REDIRECT_HOSTS = [environment["MEDIA_REDIRECT_HOSTS"]]
        settings.MEDIA_ALLOWED_NETWORKS = [ipaddress.ip_network("127.0.0.0/8")]
        yield simulator


@pytest.fixture
def published(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Collect the ids of the media items whose tasks a webhook publishes."""
    ids: list[int] = []
    monkeypatch.setattr("mediapipe.webhooks.receive.dispatch", ids.extend)
    return ids
