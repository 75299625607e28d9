"""First attempts, retries and housekeeping have their own queues and workers."""

from __future__ import annotations

import itertools
import os
import subprocess
import sys
from pathlib import Path

import pytest
from pytest_django import Settings

from mediapipe.operations import programs
from mediapipe.operations.programs import Program
from mediapipe.settings.queues import HOUSEKEEPING, MEDIA, QUEUES, RETRIES, serves
from mediapipe.simulator import faults, payloads
from tests.support import servers
from tests.support.service import ROOT, Service, running

BURST = 48
PER_MESSAGE = 10
SLOW_RESPONSE = faults.Hang(seconds=0.4)
GONE = faults.Status(410)


def retry_burst(service: Service) -> None:
    """Retry hundreds of failed items at once, all of them slow to fetch."""
    for _ in range(BURST):
        service.twilio.send(payloads.mms(PER_MESSAGE, faults=(GONE, SLOW_RESPONSE)))
    lines = service.wait_until_settled(BURST * PER_MESSAGE)
    assert {line["error"] for line in lines} == {"gone"}
    service.manage("retry", "--error", "gone")


@pytest.mark.services
def test_a_fresh_item_does_not_wait_behind_hundreds_of_retries(tmp_path: Path) -> None:
    workers = [programs.worker(queue) for queue in QUEUES]
    with (
        servers.rabbitmq() as broker,
        running(tmp_path, workers, CELERY_BROKER_URL=broker) as service,
    ):
        retry_burst(service)
        fresh = payloads.mms(1)
        service.twilio.send(fresh)
        lines = service.wait_until_settled(BURST * PER_MESSAGE + 1)
    stored_at = {line["media_sid"]: line["retrieved_at"] for line in lines}
    own = stored_at[fresh.media[0].sid]
    # One worker for all queues would fetch more than half of the burst first.
    assert sum(at > own for at in stored_at.values()) > BURST * PER_MESSAGE / 2


def test_a_worker_serves_the_queues_in_its_name_or_all_if_it_names_none() -> None:
    assert [queue for queue in QUEUES if serves("media@here", queue)] == [MEDIA]
    assert [queue for queue in QUEUES if serves("celery@retries", queue)] == list(QUEUES)
    both = [queue for queue in QUEUES if serves("media-retries@here", queue)]
    assert both == [MEDIA, RETRIES]


def test_only_the_housekeeping_worker_has_a_fixed_number_of_threads() -> None:
    assert "--concurrency" in programs.worker(HOUSEKEEPING).command
    assert "--concurrency" not in programs.worker(MEDIA).command


def test_a_host_has_the_configured_number_of_workers_for_first_attempts(settings: Settings) -> None:
    settings.WORKER_PROCESSES = 3
    names = [program.name for program in programs.workers()]
    assert names == [*(f"worker-{queue}" for queue in QUEUES), "worker-media-2", "worker-media-3"]


@pytest.mark.parametrize(
    ("url", "useful"), [("", 1), ("postgres://user:word@localhost/db", min(os.cpu_count() or 1, 2))]
)
def test_the_default_number_of_workers_depends_on_the_cores_and_the_database(
    url: str, useful: int, tmp_path: Path
) -> None:
    result = subprocess.run(
        [sys.executable, "-c", "from mediapipe import settings as s; print(s.WORKER_PROCESSES)"],
        env={"DATA_DIR": str(tmp_path), "DATABASE_URL": url},
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
    )
    assert result.stdout.strip() == str(useful)


def test_two_workers_of_a_queue_share_the_queue_but_not_the_name() -> None:
    first, second = (option_of(programs.worker(name)) for name in ("media", "media-2"))
    assert first["--queues"] == second["--queues"] == MEDIA
    assert (first["--hostname"], second["--hostname"]) == ("media@%h", "media-2@%h")
    assert [queue for queue in QUEUES if serves("media-2@here", queue)] == [MEDIA]


def test_a_worker_for_first_attempts_prefetches_fewer_messages_than_the_others() -> None:
    taken = {
        queue: int(option_of(programs.worker(queue)).get("--prefetch-multiplier", 16))
        for queue in QUEUES
    }
    assert taken[MEDIA] < min(taken[RETRIES], taken[HOUSEKEEPING])


def option_of(program: Program) -> dict[str, str]:
    """Return the options of a worker's command with their values."""
    command = list(program.command)
    return {name: value for name, value in itertools.pairwise(command) if name.startswith("--")}
