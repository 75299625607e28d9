"""The service behind PgBouncer in transaction mode: no session state outlives a transaction."""

from __future__ import annotations

import csv
import io
import json
import os
import re
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import requests
from django.urls import reverse

from mediapipe.simulator import traffic
from tests.support import servers
from tests.support.service import ROOT, Service, running

pytestmark = pytest.mark.services

MEDIA = 5000
# Few, but more than one: two transactions of a client may use different server connections.
POOL_SIZE = 2
INTERVAL_S = 0.2
TIMEOUT_S = 120.0
PASSWORD = "not-a-secret"
CREATE_USER = f"""
from django.contrib.auth.models import User
User.objects.create_superuser("ann", password="{PASSWORD}")
"""
PRINT_SENDER = """
from mediapipe.models import WebhookEvent
print(WebhookEvent.objects.exclude(sender="").order_by("pk").first().sender)
"""
PRINT_FAILED_COUNT = """
from mediapipe.models import MediaItem
print(MediaItem.objects.failed().count())
"""


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """Run the service with a history of MEDIA items, while webhooks come in."""
    with (
        servers.postgresql() as url,
        servers.pgbouncer(url, POOL_SIZE) as pooled,
        servers.redis_number() as broker,
    ):
        # Django sets UTC in its connections, and PgBouncer has to set it in each server connection.
        with servers.cursor(url) as cursor:
            name = url.rpartition("/")[2]
            cursor.execute(f"ALTER DATABASE {name} SET timezone TO 'Asia/Tokyo'")
        # Without PgBouncer, and before the service runs, because it takes time.
        manage(url, "migrate", "--verbosity=0", "--skip-checks")
        manage(url, "seed_history", "--media", str(MEDIA), "--days", "3")
        env = {"DATABASE_URL": pooled, "CELERY_BROKER_URL": broker}
        with running(tmp_path_factory.mktemp("data"), **env) as service:
            shell(service, CREATE_USER)
            with incoming(service):
                yield service


def manage(url: str, *arguments: str) -> None:
    env = os.environ | {"DATABASE_URL": url, "DJANGO_DEBUG": "1"}
    command = [sys.executable, "manage.py", *arguments]
    subprocess.run(command, cwd=ROOT, env=env, check=True, timeout=600)


@contextmanager
def incoming(service: Service) -> Iterator[None]:
    """Send webhooks during the block; assert that each got a 200 and the logs have no faults."""
    stop = threading.Event()
    statuses: Counter[int] = Counter()

    def send() -> None:
        for webhook in traffic.webhooks(10_000, seed=7):
            statuses[service.twilio.send(webhook)] += 1
            if stop.wait(INTERVAL_S):
                return

    thread = threading.Thread(target=send)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join(TIMEOUT_S)
    assert set(statuses) == {200}
    logs = (Path(service.env["DATA_DIR"]) / "logs").glob("*.log")
    faulty = [line for log in logs for line in log.read_text().splitlines() if is_fault(line)]
    assert not faulty


def is_fault(line: str) -> bool:
    return "raised unexpected" in line or "spooling" in line or "Traceback" in line


def shell(service: Service, script: str) -> str:
    return service.manage("shell", "--verbosity=0", "--command", script).strip()


@pytest.fixture(scope="module")
def admin(service: Service) -> requests.Session:
    """Return a session logged in to the admin."""
    session = requests.Session()
    url = service.url + reverse("admin:login")
    session.get(url, timeout=TIMEOUT_S)
    token = session.cookies["csrftoken"]
    form = {"username": "ann", "password": PASSWORD, "csrfmiddlewaretoken": token}
    form["next"] = reverse("admin:index")
    session.post(url, form, timeout=TIMEOUT_S).raise_for_status()
    return session


def test_every_item_is_exported_in_order(service: Service) -> None:
    lines = service.export()
    received = [line["webhook_received_at"] for line in lines if line["webhook_received_at"]]
    assert len(lines) >= MEDIA
    assert received == sorted(received)
    rows = csv.reader(io.StringIO(service.manage("export_media", "--format", "csv")))
    assert len(list(rows)) > MEDIA


@pytest.mark.parametrize("form", ["jsonl", "csv"])
def test_the_admin_exports_every_item(service: Service, admin: requests.Session, form: str) -> None:
    url = service.url + reverse("admin:mediapipe_mediaitem_export", args=[form])
    answer = admin.get(url, timeout=TIMEOUT_S)
    lines = answer.text.splitlines()
    assert len(lines) >= MEDIA
    if form == "jsonl":
        assert len({json.loads(line)["media_url"] for line in lines}) > MEDIA / 2


def test_a_paused_download_holds_no_connection_to_the_database(
    service: Service, admin: requests.Session
) -> None:
    url = service.url + reverse("admin:mediapipe_mediaitem_export", args=["jsonl"])
    paused = [admin.get(url, stream=True, timeout=TIMEOUT_S) for _ in range(2 * POOL_SIZE)]
    try:
        firsts = [next(answer.iter_lines()) for answer in paused]
        assert all(map(json.loads, firsts))
        assert len(service.export("--status", "stored")) > 0
    finally:
        for answer in paused:
            answer.close()


def test_the_lab_the_report_and_the_deletions_run_to_completion(
    service: Service, tmp_path: Path
) -> None:
    assert "under other schedules" in service.manage("retry_lab")
    since = min(line["webhook_received_at"] for line in service.export())
    service.manage("escalation_report", "--since", since, "--output", str(tmp_path))
    assert list(tmp_path.glob("*.zip"))
    assert "would be queued" in service.manage("delete_at_twilio", "--dry-run")


def test_a_bulk_retry_of_failed_items_runs_to_completion(
    service: Service, admin: requests.Session
) -> None:
    failed = int(shell(service, PRINT_FAILED_COUNT))
    assert failed > 0
    url = service.url + reverse("admin:mediapipe_mediaitem_retry_all")
    page = admin.get(f"{url}?status__exact=failed", timeout=TIMEOUT_S)
    token = re.findall(r'name="csrfmiddlewaretoken" value="(\w+)"', page.text)[0]
    reasons = re.findall(r'name="include" value="(\w*)"', page.text)
    form = {"confirmed": "yes", "csrfmiddlewaretoken": token, "include": reasons}
    job = admin.post(f"{url}?status__exact=failed", form, timeout=TIMEOUT_S)
    deadline = time.monotonic() + TIMEOUT_S
    while True:
        progress = admin.get(
            job.url, headers={"Accept": "application/json"}, timeout=TIMEOUT_S
        ).json()
        if progress["done"] >= progress["total"]:
            break
        assert time.monotonic() < deadline, progress
        time.sleep(0.2)
    assert progress["total"] >= failed / 2


def test_a_person_is_erased(service: Service) -> None:
    sender = shell(service, PRINT_SENDER)
    receipt = service.manage("forget", "--number", sender, "--by", "ann", "--noinput")
    assert json.loads(receipt)["events"]
    assert not json.loads(service.manage("forget", "--number", sender, "--dry-run"))["events"]
