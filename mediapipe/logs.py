"""Log lines for people or for machines, each with the ids of what it is about.

The ids go with the work from process to process: the request that brought a webhook gives its id
to the tasks that it publishes, and these to their retries. Every process imports this module,
because its logging is configured with a formatter of it, and so all of them pass the ids on.
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
# Django adds the request, whose text is its whole URL: a webhook sent by GET is all in there.
PRIVATE_ATTRIBUTES = {"request"}
# The header of a task's message by which the id of the request travels along.
HEADER = "mediapipe_request_id"

_ids: ContextVar[Mapping[str, object]] = ContextVar("ids")


def ids() -> Mapping[str, object]:
    """Return the ids of what this thread is at work on."""
    return _ids.get({})


def bind(**more: object) -> None:
    """Let every further line of this piece of work have these ids too."""
    _ids.set({**ids(), **more})


@contextmanager
def about(**these: object) -> Iterator[None]:
    """Let the lines within the block have these ids, and forget them after it."""
    token = _ids.set(these)
    try:
        yield
    finally:
        _ids.reset(token)


class TextFormatter(logging.Formatter):
    """Write a record as a line for people, the ids behind it in brackets."""

    def __init__(self) -> None:
        super().__init__("%(asctime)s %(levelname)s %(name)s: %(message)s")

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802  (logging's own name)
        line = super().formatMessage(record)
        known = " ".join(f"{name}={value}" for name, value in ids().items())
        return f"{line} [{known}]" if known else line


class JsonFormatter(logging.Formatter):
    """Write a record as one JSON object a line; the ids and what is `extra` become keys."""

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
    """Lets the web server's own lines look like all others."""

    def setup(self, cfg: Any) -> None:
        """Hand its lines on to the root logger, as which Django's settings configure it."""
        super().setup(cfg)
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
def _take_ids_up(task_id: str, task: Any, **kwargs: Any) -> None:
    # A task that a test or the shell runs at once, without a message, keeps the ids it has.
    sent = getattr(task.request, HEADER, None) or ids().get("request_id")
    _ids.set({**({"request_id": sent} if sent else {}), "task_id": task_id})


@task_postrun.connect
def _forget_ids(**kwargs: Any) -> None:
    _ids.set({})
