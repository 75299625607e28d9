"""Workers deserialize only JSON, because others may write to the broker."""

from __future__ import annotations

from mediapipe.celery import app


def test_only_json_is_accepted_in_messages_and_results() -> None:
    # Deserializing a pickle can run any code.
    assert {*app.conf.accept_content, app.conf.task_serializer} == {"json"}
    assert app.conf.result_accept_content in (None, ["json"])
