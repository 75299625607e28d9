"""Tasks that come back after the countdown that their failure carries."""

from typing import Any

from celery.contrib.django.task import DjangoTask


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
        again: dict[str, Any] = {"countdown": failure.retry_in_s}
        if self.retry_queue:
            again["queue"] = self.retry_queue
        return super().retry(*args, **options | again)
