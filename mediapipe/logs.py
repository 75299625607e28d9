"""Log formatters, and the ids that each line carries.

The ids follow the work from process to process: the request of a webhook passes its id to the tasks
that it publishes, and these to their retries. Every process imports this module, because LOGGING
refers to its formatters, and so connects the signal handlers below.
"""

import json
import logging
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime
from logging.config import dictConfig
from typing import Any

from celery.signals import before_task_publish, task_postrun, task_prerun
from gunicorn.glogging import Logger

PLAIN_ATTRIBUTES = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}
# Django adds the request, whose repr contains its URL: all of a webhook that is sent by GET.
PRIVATE_ATTRIBUTES = {"request"}
# The message header that carries the id of the request.
HEADER = "mediapipe_request_id"

_ids: ContextVar[Mapping[str, object]] = ContextVar("ids")


def ids() -> Mapping[str, object]:
    """Return the ids of the current request or task."""
    return _ids.get({})


def bind(**more: object) -> None:
    """Add these ids to every further line of the current request or task."""
    _ids.set({**ids(), **more})


@contextmanager
def about(**these: object) -> Iterator[None]:
    """Give the lines within the block these ids and no others."""
    token = _ids.set(these)
    try:
        yield
    finally:
        _ids.reset(token)


@contextmanager
def logged_errors(logger: logging.Logger, message: str, *arguments: object) -> Iterator[None]:
    """Log an exception raised in the block instead of propagating it.

    For counters and incidents, which must not undo or delay the work that they describe. Not for
    use within a transaction: on PostgreSQL all further statements of it would fail as well.
    """
    try:
        yield
    except Exception:
        logger.exception(message, *arguments)


class TextFormatter(logging.Formatter):
    """Format a record as a readable line, followed by the ids in brackets."""

    def __init__(self) -> None:
        super().__init__("%(asctime)s %(levelname)s %(name)s: %(message)s")

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802  (logging's own name)
        line = super().formatMessage(record)
        suffix = " ".join(f"{name}={value}" for name, value in ids().items())
        return f"{line} [{suffix}]" if suffix else line


class JsonFormatter(logging.Formatter):
    """Format a record as one JSON object per line; the ids and `extra` become keys."""

    def format(self, record: logging.LogRecord) -> str:
        hidden = PLAIN_ATTRIBUTES | PRIVATE_ATTRIBUTES
        line = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(),
            "level": record.levelname,
            "logger": record.name,
            "message": record.getMessage(),
            **ids(),
            **{k: v for k, v in vars(record).items() if k not in hidden},
        }
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return json.dumps(line, default=str)


class GunicornLogger(Logger):  # type: ignore[misc]  # gunicorn has no types
    """Gunicorn's logger, with the same formatters as all other loggers."""

    def setup(self, cfg: Any) -> None:
        super().setup(cfg)
        # Gunicorn logs before Django is set up, and so before Django configures the root logger.
        os.environ.setdefault("DJANGO_SETTINGS_MODULE", "mediapipe.settings")
        from django.conf import settings

        dictConfig(settings.LOGGING)
        self.error_log.handlers.clear()
        self.error_log.propagate = True


@before_task_publish.connect
def _send_request_id(headers: dict[str, Any], **kwargs: Any) -> None:
    if request_id := ids().get("request_id"):
        headers[HEADER] = request_id


@task_prerun.connect
def _bind_task_ids(task_id: str, task: Any, **kwargs: Any) -> None:
    # An eager task has no message, and keeps the request id of its caller.
    sent = getattr(task.request, HEADER, None) or ids().get("request_id")
    _ids.set({**({"request_id": sent} if sent else {}), "task_id": task_id})


@task_postrun.connect
def _clear_ids(**kwargs: Any) -> None:
    _ids.set({})
