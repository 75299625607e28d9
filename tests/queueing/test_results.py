"""What became of a task is in the tables of django-celery-results, by one statement each time."""

from __future__ import annotations

import json

import pytest
from celery.app.task import Context
from django_celery_results.backends import DatabaseBackend
from django_celery_results.models import TaskResult
from pytest_django import DjangoAssertNumQueries

from mediapipe.celery import app
from mediapipe.queueing.result_backend import Backend

pytestmark = [pytest.mark.django_db, pytest.mark.database]

REQUEST = Context(
    id="task-1",
    task="tasks.fetch_media.fetch_media",
    argsrepr="()",
    kwargsrepr="{'media_id': 7}",
    hostname="celery@here",
)


def test_a_result_is_the_row_that_the_library_itself_would_write() -> None:
    for backend, task_id in ((Backend(app), "ours"), (DatabaseBackend(app), "theirs")):
        backend.store_result(task_id, "stored", "SUCCESS", request=REQUEST)
    told_apart = {"id", "task_id", "date_created", "date_done"}
    names = [each.name for each in TaskResult._meta.fields if each.name not in told_apart]
    ours, theirs = TaskResult.objects.order_by("task_id").values_list(*names)
    assert ours == theirs


def test_a_later_result_of_the_same_task_replaces_the_earlier_one() -> None:
    backend = Backend(app)
    backend.store_result("task-1", OSError("gone"), "RETRY", traceback="line 1", request=REQUEST)
    created = TaskResult.objects.values_list("pk", "date_created").get()
    retried_at = TaskResult.objects.get().date_done
    backend.store_result("task-1", "stored", "SUCCESS", request=REQUEST)
    row = TaskResult.objects.get()
    assert (row.status, json.loads(row.result), row.traceback) == ("SUCCESS", "stored", None)
    assert row.date_done > retried_at
    assert TaskResult.objects.values_list("pk", "date_created").get() == created


def test_a_failure_keeps_its_traceback() -> None:
    Backend(app).store_result("task-1", OSError("gone"), "FAILURE", "line 1", request=REQUEST)
    row = TaskResult.objects.get()
    assert (row.status, row.traceback) == ("FAILURE", "line 1")
    assert json.loads(row.result)["exc_type"] == "OSError"


def test_a_result_takes_one_statement(django_assert_num_queries: DjangoAssertNumQueries) -> None:
    backend = Backend(app)
    for status in ("RETRY", "SUCCESS"):
        with django_assert_num_queries(1):
            backend.store_result("task-1", "stored", status, request=REQUEST)


def test_a_result_can_be_read_again() -> None:
    backend = Backend(app)
    backend.store_result("task-1", "stored", "SUCCESS", request=REQUEST)
    assert backend.get_task_meta("task-1")["result"] == "stored"
