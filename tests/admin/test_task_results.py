"""A task's result in words, with its media item."""

from __future__ import annotations

import json
import re

import pytest
from celery.app.task import Context
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django_celery_results.models import TaskResult

from mediapipe.celery import app
from mediapipe.failures import TransientMedia404
from mediapipe.fetching.attempt import conclude
from mediapipe.models import MediaItem
from mediapipe.providers.base import Evidence
from tests.support import make
from tests.support.admin import ESCAPED, SCRIPT, page

pytestmark = [pytest.mark.django_db, pytest.mark.database]

LIST = "django_celery_results_taskresult_changelist"
PAGE = "django_celery_results_taskresult_change"


def ended(
    result: object,
    state: str = "SUCCESS",
    task_id: str = "task-1",
    media_id: int = 7,
    given: dict[str, object] | None = None,
) -> int:
    """Record a result as a worker does; return the id of its row."""
    request = Context(
        id=task_id,
        task="tasks.fetch_media.fetch_media",
        argsrepr="()",
        kwargsrepr=repr({"media_id": media_id} if given is None else given),
        hostname="downloads@here",
    )
    app.backend.store_result(task_id, result, state, "line 1\nline 2", request=request)
    return TaskResult.objects.get(task_id=task_id).pk


@pytest.mark.parametrize(
    ("state", "word"), [("SUCCESS", "succeeded"), ("RETRY", "retrying"), ("FAILURE", "failed")]
)
def test_the_state_is_shown_as_a_word_beside_its_symbol(
    admin_client: Client, state: str, word: str
) -> None:
    ended(OSError("disk") if state != "SUCCESS" else "stored", state)
    assert f"</span> {word}</span>" in page(admin_client, LIST)


def test_a_state_that_our_tasks_do_not_record_is_shown(admin_client: Client) -> None:
    TaskResult.objects.create(task_id="task-1", status="REVOKED")
    assert "revoked" in page(admin_client, LIST)


def test_a_result_links_to_its_media_item(admin_client: Client) -> None:
    pk = ended("stored", media_id=20063)
    url = reverse("admin:mediapipe_mediaitem_change", args=[20063])
    for html in (page(admin_client, LIST), page(admin_client, PAGE, pk)):
        assert f'<a href="{url}">item 20063</a>' in html


def test_a_result_without_a_media_item_has_no_link_to_one(admin_client: Client) -> None:
    TaskResult.objects.create(task_id="task-1", status="SUCCESS", task_kwargs='"{}"')
    assert "mediaitem" not in page(admin_client, LIST).partition("<tbody>")[2]


def test_a_failure_shows_the_first_line_of_its_error(admin_client: Client) -> None:
    pk = ended(OSError("no space left\nsecond line"), "FAILURE")
    html = page(admin_client, LIST)
    assert "OSError: no space left" in html
    assert "second line" not in html
    assert "<pre>line 1\nline 2</pre>" in page(admin_client, PAGE, pk)


@pytest.mark.parametrize("stored", ["", "null", "not json", "[]", '{"exc_type": "Gone"}'])
def test_any_stored_result_can_be_shown(admin_client: Client, stored: str) -> None:
    result = TaskResult.objects.create(task_id="task-1", status="FAILURE", result=stored)
    page(admin_client, LIST)
    page(admin_client, PAGE, result.pk)


def test_hostile_text_in_an_error_is_shown_as_text(admin_client: Client) -> None:
    ended(OSError(SCRIPT), "FAILURE")
    html = page(admin_client, LIST)
    assert ESCAPED in html
    assert SCRIPT not in html


def test_the_duration_is_the_sum_of_the_attempts(admin_client: Client) -> None:
    item = make.media()
    for duration_s in (1.5, 2.5):
        MediaItem.objects.update(status="queued")
        claimed = MediaItem.claim(item.pk, task_id="task-1", worker="here")
        assert claimed is not None
        conclude(claimed, TransientMedia404(), Evidence(http_status=404, duration_s=duration_s))
    pk = ended("stored", media_id=item.pk)
    ended("not due", task_id="task-2", media_id=item.pk)
    html = page(admin_client, LIST)
    assert re.findall(r'class="field-attempts_took">([^<]*)<', html) == ["-", "4.0 s"]
    assert "4.0 s" in page(admin_client, PAGE, pk)


def test_more_results_cost_no_more_queries(admin_client: Client) -> None:
    counts = []
    for number in range(2):
        ended("stored", task_id=f"task-{number}", media_id=number)
        with CaptureQueriesContext(connection) as captured:
            page(admin_client, LIST)
        counts.append(len(captured))
    assert counts[0] == counts[1]


def arguments(client: Client, pk: int) -> str:
    found = re.search(r"<dt>Arguments</dt><dd>(.*?)</dd>", page(client, PAGE, pk))
    assert found
    return found[1]


def test_an_argument_that_names_a_row_is_a_link(admin_client: Client) -> None:
    url = reverse("admin:mediapipe_notice_change", args=[12])
    pk = ended("delivered", given={"notice_id": 12})
    assert arguments(admin_client, pk) == f'<a href="{url}">notification 12</a>'


def test_an_argument_that_names_no_row_is_shown_with_name_and_value(admin_client: Client) -> None:
    pk = ended("stored", given={"file": SCRIPT, "keep": True})
    assert arguments(admin_client, pk) == f"file: {ESCAPED}, keep: True"


def test_a_task_without_arguments_shows_a_dash(admin_client: Client) -> None:
    assert arguments(admin_client, ended("stored", given={})) == "-"


def test_arguments_that_celery_truncated_are_shown_as_stored(admin_client: Client) -> None:
    pk = ended("stored")
    TaskResult.objects.update(task_kwargs=json.dumps("{'file': 'aaa..."))
    assert arguments(admin_client, pk) == "{&#x27;file&#x27;: &#x27;aaa..."


def test_the_title_of_the_page_names_the_task_id(admin_client: Client) -> None:
    html = page(admin_client, PAGE, ended("stored"))
    assert "<h1>Task result: task-1</h1>" in html
    assert "&lt;Task" not in html
