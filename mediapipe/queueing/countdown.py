"""Tasks that come back after the countdown that their failure carries."""

from math import ceil
from typing import Any

from celery.contrib.django.task import DjangoTask
from django.conf import settings


class CountdownTask(DjangoTask):  # type: ignore[type-arg]  # takes no parameters at run time
    """Waits as long as the failure says, which the row in the database knows too.

    A subclass of DjangoTask, because celery.Task would take `delay_on_commit` away.
    """

    # What raises the failure says when it is enough; Celery's own limit is three retries.
    max_retries = None
    # Where it comes back, if that is another queue than the one that it came from.
    retry_queue: str | None = None

    def retry(self, *args: Any, **options: Any) -> Any:
        """Come back after the failure's `retry_in_s`; without one it is the last word."""
        failure = options["exc"]
        if failure.retry_in_s is None:
            raise failure
        again: dict[str, Any] = {"countdown": countdown_s(failure.retry_in_s)}
        if self.retry_queue:
            again["queue"] = self.retry_queue
        return super().retry(*args, **options | again)


def countdown_s(delay_s: float) -> float:
    """Return how long the broker holds a message back: quorum queues count whole seconds.

    Rounded up, because a message that comes too early finds that its item is not due.
    """
    return ceil(delay_s) if settings.QUEUE_TYPE == "quorum" else delay_s
