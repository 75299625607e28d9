"""What a worker reads from a broker that others may write to."""

from __future__ import annotations

from mediapipe.celery import app


def test_a_message_can_be_json_alone() -> None:
    # A pickle runs code as soon as it is read.
    assert {*app.conf.accept_content, app.conf.task_serializer} == {"json"}
    assert app.conf.result_accept_content in (None, ["json"])
