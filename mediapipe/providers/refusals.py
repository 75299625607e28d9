"""Why a webhook is refused before anything in it is used."""

from typing import ClassVar


class WebhookRefused(Exception):
    """A rejected webhook: `reason` is counted, `status` is the HTTP status of the response."""

    status: ClassVar[int] = 400

    def __init__(self, reason: str, sentence: str) -> None:
        self.reason = reason
        self.sentence = sentence
        super().__init__(f"{reason}: {sentence}")


class WebhookUnreadable(WebhookRefused):
    """The request cannot be parsed."""


class WebhookForged(WebhookRefused):
    """The request does not prove that the provider sent it."""

    status = 403


class WebhookTooLarge(WebhookRefused):
    """The body exceeds the limit and was not read."""

    status = 413
