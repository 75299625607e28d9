import json
import logging
from datetime import UTC, datetime

from mediapipe.celery import app

PLAIN_ATTRIBUTES = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}
# Django adds the request, whose text is its whole URL: a webhook sent by GET is all in there.
PRIVATE_ATTRIBUTES = {"request"}


class JsonFormatter(logging.Formatter):
    """Write a record as one JSON object a line; what was passed as `extra` becomes keys.

    Within a Celery task `task_id` says which one it is.
    """

    def format(self, record: logging.LogRecord) -> str:
        hidden = PLAIN_ATTRIBUTES | PRIVATE_ATTRIBUTES
        line = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(),
            "level": record.levelname,
            "logger": record.name,
            "message": record.getMessage(),
            **{k: v for k, v in vars(record).items() if k not in hidden},
        }
        if task := app.current_task:
            line["task_id"] = task.request.id
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return json.dumps(line, default=str)
