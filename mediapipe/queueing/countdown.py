from math import ceil
from typing import Any

from celery.contrib.django.task import DjangoTask
from django.conf import settings


class CountdownTask(DjangoTask):  # type: ignore[type-arg]  # takes no parameters at run time
    """A task whose automatic retry waits for the seconds that the run passed to `retry_after`.

    A subclass of DjangoTask, because celery.Task does not have `delay_on_commit`.
    """

    # The schedule of the item decides when to stop; Celery's own limit is three retries.
    max_retries = None
    # The queue for retries, if it differs from that of the first attempt.
    retry_queue: str | None = None

    def retry_after(self, delay_s: float | None) -> None:
        """Set the countdown in seconds of the retry if this run raises; None means no retry."""
        # The request is the context of this run in this thread.
        self.request.update(retry_after_s=delay_s)

    def retry(self, *args: Any, **options: Any) -> Any:
        """Publish the retry, or raise if there is none; called by Celery for `autoretry_for`."""
        delay_s = self.request.get("retry_after_s")
        if delay_s is None:
            raise options["exc"]
        options["countdown"] = countdown_s(delay_s)
        if self.retry_queue:
            options["queue"] = self.retry_queue
        return super().retry(*args, **options)


def countdown_s(delay_s: float) -> float:
    """Return the countdown for this delay in seconds: quorum queues count whole seconds.

    Rounded up, because a message that arrives early finds its item not due and is dropped.
    """
    return ceil(delay_s) if settings.QUEUE_TYPE == "quorum" else delay_s
