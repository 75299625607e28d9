"""The media folder is full or read-only: our fault, so it uses up no retries."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from mediapipe.simulator import payloads
from mediapipe.simulator.payloads import Webhook
from tests.faults import failpoints
from tests.faults.conftest import Settled
from tests.faults.world import World
from tests.support import servers

pytestmark = pytest.mark.services

SIZE = 100_000


@pytest.fixture
def small_disk(world: World) -> Iterator[Path]:
    """Mount a disk of 1 MB at the media folder."""
    folder = world.judge.media_root
    folder.mkdir(exist_ok=True)
    try:
        mount("-t", "tmpfs", "-o", "size=1m", "tmpfs", str(folder))
    except (OSError, subprocess.CalledProcessError):
        servers.missing("only root can mount a small disk for the test")
    try:
        yield folder
    finally:
        # Lazily, because a worker may have a file open.
        subprocess.run(["umount", "--lazy", str(folder)], check=True)  # noqa: S607


def test_media_is_stored_without_using_up_retries_after_the_disk_was_full(
    world: World, settled: Settled, small_disk: Path
) -> None:
    ballast = small_disk / "ballast"
    ballast.write_bytes(bytes(1_000_000))
    webhooks = send(world, delay_s=1)
    ballast.unlink()
    assert settled("disk full", "in the body").all_stored_once
    assert_no_budget_used(world, webhooks)
    assert world.judge.temporary_files() == []


def test_media_is_stored_without_using_up_retries_after_the_disk_was_read_only(
    world: World, settled: Settled, small_disk: Path
) -> None:
    mount("-o", "remount,ro", str(small_disk))
    webhooks = send(world)
    mount("-o", "remount,rw", str(small_disk))
    assert settled("disk read-only", "before the first byte").all_stored_once
    assert_no_budget_used(world, webhooks)


def test_media_is_stored_without_using_up_retries_after_the_back_end_refused_it(
    world: World, settled: Settled
) -> None:
    full = world.failpoints / failpoints.STORAGE_IS_FULL
    full.touch()
    webhooks = send(world)
    full.unlink()
    assert settled("storage refuses", "after the body, at the final place").all_stored_once
    assert_no_budget_used(world, webhooks)
    assert world.judge.temporary_files() == []


def send(world: World, delay_s: float = 0.0) -> list[Webhook]:
    """Send media and wait until the storage has failed for each of them."""
    webhooks = [payloads.mms(1, size=SIZE, delay_s=delay_s) for _ in range(3)]
    world.send(*webhooks)
    for webhook in webhooks:
        world.wait_for_row(webhook, status="retrying", error="storage_failed")
    return webhooks


def assert_no_budget_used(world: World, webhooks: list[Webhook]) -> None:
    """Assert that only 404s used up retries, not local failures."""
    for webhook in webhooks:
        (row,) = world.rows(webhook)
        assert json.loads(row["fast_retries"]).get("not_ready", 0) == row["not_found_count"]
        assert row["slow_retries"] == row["interruptions"] == 0


def mount(*arguments: str) -> None:
    subprocess.run(["mount", *arguments], check=True, capture_output=True)  # noqa: S607
