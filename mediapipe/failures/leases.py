"""Raised in a task that does not hold its item's lease; the item itself has not failed."""


class LeaseLost(Exception):
    """This worker no longer holds the item's lease, and discards its result."""


class LeaseHeld(Exception):
    """The worker that holds the item is probably dead; its lease ends in `retry_after_s` (s)."""

    def __init__(self, retry_after_s: float) -> None:
        self.retry_after_s = retry_after_s
        super().__init__(f"for {retry_after_s:.1f} s")
