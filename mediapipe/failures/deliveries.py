class Undelivered(Exception):
    """A delivery from the outbox failed; `again` is true if a retry may succeed.

    `why` is shown to users and never contains a URL. `retry_after_s` is the least wait before that
    retry, in seconds.
    """

    def __init__(
        self, why: str, *, again: bool = False, retry_after_s: float | None = None
    ) -> None:
        self.why = why
        self.again = again
        self.retry_after_s = retry_after_s
        super().__init__(why)
