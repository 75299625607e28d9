"""Files of the spool: unreadable ones, their permissions, and their removal."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from django.db import OperationalError
from pytest_django import Settings

from mediapipe.webhooks import spool, spool_cleanup
from mediapipe.webhooks.request import ReceivedWebhook
from mediapipe.webhooks.spool import SpoolUnavailable
from tests.support.webhooks import ARRIVED

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("published")]


class WebhookRecorder:
    """Accepts every webhook and records it."""

    def __init__(self) -> None:
        self.webhooks: list[ReceivedWebhook] = []

    def __call__(self, webhook: ReceivedWebhook) -> bool:
        self.webhooks.append(webhook)
        return True


@pytest.mark.parametrize("text", ["", "{", "[]", '{"provider": "other"}', "\x00"])
def test_an_invalid_spool_file_is_set_aside_and_the_next_webhook_is_recorded(
    text: str, caplog: pytest.LogCaptureFixture
) -> None:
    spool.put(ARRIVED)
    bad = Path(spool.waiting()[0].parent, "00000-bad.webhook")
    bad.write_text(text)
    recorder = WebhookRecorder()
    assert spool.drain(recorder) == 2
    assert recorder.webhooks == [ARRIVED]
    assert [path.name for path in spool.refused()] == [bad.name]
    assert bad.name in caplog.text


def test_a_folder_with_the_name_of_a_webhook_is_set_aside() -> None:
    spool.put(ARRIVED)
    bad = Path(spool.waiting()[0].parent, "00000-bad.webhook")
    bad.mkdir()
    recorder = WebhookRecorder()
    assert spool.drain(recorder) == 2
    assert (recorder.webhooks, spool.depth()) == ([ARRIVED], 0)


def test_a_file_that_cannot_be_set_aside_does_not_block_the_next_webhook(
    settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    spool.put(ARRIVED)
    Path(settings.SPOOL_DIR, "00000-bad.webhook").write_bytes(b"\xff\x00")
    Path(settings.SPOOL_DIR, "refused").write_text("a file where the folder should be")
    recorder = WebhookRecorder()
    spool.drain(recorder)
    assert recorder.webhooks == [ARRIVED]
    assert "could not be set aside" in caplog.text


def test_the_clean_up_removes_a_half_written_file_and_keeps_the_webhook(settings: Settings) -> None:
    spool.put(ARRIVED)
    Path(settings.SPOOL_DIR, "0-killed.part").write_text("{")
    spool_cleanup.clean_up()
    assert not list(Path(settings.SPOOL_DIR).glob("*.part"))
    assert spool.depth() == 1


def test_a_file_that_is_erased_while_the_spool_is_drained_is_skipped() -> None:
    for number in range(3):
        request = replace(ARRIVED.request, url=f"https://h/{number}")
        spool.put(replace(ARRIVED, request=request))
    recorder = WebhookRecorder()

    def handler(webhook: ReceivedWebhook) -> bool:
        for path in spool.waiting()[:2]:
            path.unlink()
        return recorder(webhook)

    spool.drain(handler)
    assert (len(recorder.webhooks), spool.depth()) == (2, 0)


def test_a_webhook_is_unchanged_by_the_spool() -> None:
    spool.put(ARRIVED)
    recorder = WebhookRecorder()
    spool.drain(recorder)
    assert recorder.webhooks == [ARRIVED]


def test_a_failing_handler_keeps_the_webhook_first_in_the_queue() -> None:
    spool.put(ARRIVED)

    def fail(_: ReceivedWebhook) -> bool:
        raise OperationalError

    with pytest.raises(OperationalError):
        spool.drain(fail)
    assert spool.depth() == 1


def test_concurrent_drains_do_not_share_a_webhook() -> None:
    spool.put(ARRIVED)
    first, second = WebhookRecorder(), WebhookRecorder()

    def handler(webhook: ReceivedWebhook) -> bool:
        spool.drain(second)
        return first(webhook)

    spool.drain(handler)
    assert (len(first.webhooks), len(second.webhooks)) == (1, 0)


def test_a_spooled_webhook_is_readable_only_by_its_owner(settings: Settings) -> None:
    spool.put(ARRIVED)
    (path,) = spool.waiting()
    assert path.stat().st_mode & 0o077 == 0
    assert Path(settings.SPOOL_DIR).stat().st_mode & 0o077 == 0


def test_a_failed_write_leaves_no_webhook_in_the_spool(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def broken(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("mediapipe.webhooks.spool.os.fsync", broken)
    with pytest.raises(SpoolUnavailable):
        spool.put(ARRIVED)
    assert spool.depth() == 0
