"""The admin reads the result of each task from the tables of django-celery-results."""

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


def test_a_result_is_stored_as_the_row_that_the_library_would_write() -> None:
    for backend, task_id in ((Backend(app), "ours"), (DatabaseBackend(app), "theirs")):
        backend.store_result(task_id, "stored", "SUCCESS", request=REQUEST)
    distinct = {"id", "task_id", "date_created", "date_done"}
    names = [each.name for each in TaskResult._meta.fields if each.name not in distinct]
    ours, theirs = TaskResult.objects.order_by("task_id").values_list(*names)
    assert ours == theirs


def test_a_result_is_stored_in_one_statement(
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:
    for status in ("RETRY", "SUCCESS"):
        with django_assert_num_queries(1):
            app.backend.store_result("task-1", "stored", status, request=REQUEST)


def test_a_result_names_its_task_its_arguments_and_its_worker() -> None:
    app.backend.store_result("task-1", "stored", "SUCCESS", request=REQUEST)
    (row,) = TaskResult.objects.values("task_name", "worker", "task_kwargs")
    assert (row["task_name"], row["worker"]) == ("tasks.fetch_media.fetch_media", "celery@here")
    assert "'media_id': 7" in row["task_kwargs"]


def test_a_later_result_of_the_same_task_replaces_the_earlier_one() -> None:
    app.backend.store_result("task-1", OSError("gone"), "RETRY", "line 1", request=REQUEST)
    created = TaskResult.objects.values_list("pk", "date_created").get()
    retried_at = TaskResult.objects.get().date_done
    app.backend.store_result("task-1", "stored", "SUCCESS", request=REQUEST)
    row = TaskResult.objects.get()
    assert (row.status, json.loads(row.result), row.traceback) == ("SUCCESS", "stored", None)
    assert row.date_done > retried_at
    assert TaskResult.objects.values_list("pk", "date_created").get() == created


def test_a_failure_keeps_its_traceback() -> None:
    app.backend.store_result("task-1", OSError("gone"), "FAILURE", "line 1", request=REQUEST)
    row = TaskResult.objects.get()
    assert (row.status, row.traceback) == ("FAILURE", "line 1")
    assert json.loads(row.result)["exc_type"] == "OSError"


def test_a_stored_result_can_be_read_back() -> None:
    app.backend.store_result("task-1", "stored", "SUCCESS", request=REQUEST)
    assert app.backend.get_task_meta("task-1")["result"] == "stored"
