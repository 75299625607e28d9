from typing import Any

from django_celery_results.backends import DatabaseBackend
from django_celery_results.managers import TaskResultManager
from django_celery_results.models import TaskResult

from mediapipe.models import hot_sql


class ResultManager(TaskResultManager):
    """Writes a result in one statement; the library's manager needs four, and six for a retry.

    There is no upstream issue. `make bench ARGS=retrieve` on PostgreSQL with RabbitMQ retrieves 7%
    more items with it; tests/queueing/test_results.py compares its rows with the library's.
    """

    def store_result(  # type: ignore[override]  # the backend passes all of it by keyword
        self, *, task_id: str, using: str | None = None, **columns: Any
    ) -> TaskResult:
        """Insert the result of a task, or replace the one it has."""
        row = TaskResult(task_id=task_id, **columns)
        hot_sql.upsert(row, "task_id", (*columns, "date_done"))
        return row


class Results:
    """Stands in for the model when the backend asks the model for its manager."""

    DoesNotExist = TaskResult.DoesNotExist
    _default_manager = ResultManager()
    _default_manager.model = TaskResult


class Backend(DatabaseBackend):  # type: ignore[misc]  # the library has no types
    TaskModel = Results
