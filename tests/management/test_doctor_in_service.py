from __future__ import annotations

import json
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from mediapipe.simulator.numbers import PhoneNumber
from tests.support import make
from tests.support.commands import manage
from tests.support.service import Service, running

pytestmark = pytest.mark.services

MESSAGING = "/webhooks/twilio/messaging/"


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """Run a whole service on its own broker, and wait until every component has reported."""
    with running(tmp_path_factory.mktemp("service"), PUBLIC_BASE_URL="") as service:
        number = PhoneNumber(
            sms_url=f"{service.url}{MESSAGING}#rc=5&rp=ct,rt,5xx",
            sms_fallback_url=f"{service.url}{MESSAGING}",
        )
        service.twilio.state.numbers.append(number)
        whole = replace(service, env=service.env | {"PUBLIC_BASE_URL": service.url})
        deadline = time.monotonic() + 60
        while issues(whole) & {"beat_silent", "sweep_silent", "worker_missing"}:
            assert time.monotonic() < deadline, "not every component has reported"
            time.sleep(1)
        yield whole


def issues(service: Service, **changes: str) -> set[str]:
    """Return the names of the issues that the doctor finds in this environment."""
    data_dir = Path(service.env["DATA_DIR"])
    environment = {name: value for name, value in service.env.items() if name != "DATA_DIR"}
    result = manage("doctor", "--json", data_dir=data_dir, **environment | changes)
    assert result.stdout, result.stderr
    return {finding["name"] for finding in json.loads(result.stdout)["findings"]} - {""}


def test_a_correctly_configured_service_has_only_the_expected_warnings(service: Service) -> None:
    # SQLite and a loopback URL are right for a test, but the doctor warns about both.
    assert issues(service) == {"database_is_sqlite", "public_url_private"}


def test_the_doctor_leaves_nothing_behind(service: Service) -> None:
    issues(service)
    count = "from django_celery_results.models import TaskResult as T; print(T.objects.count())"
    assert service.manage("shell", "-v0", "-c", count).strip() == "0"
    assert service.export() == []
    assert not list((Path(service.env["DATA_DIR"]) / "media").rglob("*.txt"))


def test_a_storage_that_is_not_shared_is_named(service: Service, tmp_path: Path) -> None:
    assert "storage_not_shared" in issues(service, MEDIA_ROOT=str(tmp_path))


def test_accounts_that_differ_from_those_of_the_workers_are_named(service: Service) -> None:
    found = issues(service, TWILIO_ACCOUNT_SID=make.ACCOUNT)
    # Web and Twilio do not know that account either.
    assert {"accounts_differ", "signature_refused", "token_refused"} <= found


def test_a_token_that_differs_from_the_one_web_uses_is_named(service: Service) -> None:
    assert "signature_refused" in issues(service, TWILIO_AUTH_TOKEN="not-that-of-web")
