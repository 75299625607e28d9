"""The kinds of failure, which decide whether an item is retried."""

from collections.abc import Iterator
from enum import StrEnum
from typing import ClassVar, Self


class Outlook(StrEnum):
    """Whether a user's retry can succeed."""

    LIKELY = "likely"
    AFTER_CHANGE = "after a change"
    HOPELESS = "cannot succeed"


class Failure(Exception):
    """Why a media item is not stored (yet)."""

    slug: ClassVar[str] = ""
    todo: ClassVar[str] = ""
    outlook: ClassVar[Outlook] = Outlook.LIKELY

    def __init__(self, detail: str = "", *, retry_after_s: float | None = None) -> None:
        self.detail = detail
        self.retry_after_s = retry_after_s
        super().__init__(f"{self.meaning()} {detail}".strip())

    @classmethod
    def meaning(cls) -> str:
        return cls.__doc__ or ""

    @property
    def cause(self) -> str:
        """The slug that retries are counted by: each cause has its own backoff."""
        return self.slug

    @classmethod
    def all(cls) -> Iterator[type[Self]]:
        """Yield every failure below this class that has a slug, in the order of the catalogue."""
        for subclass in cls.__subclasses__():
            if subclass.slug:
                yield subclass
            yield from subclass.all()


class TransientFailure(Failure):
    """The same request may succeed later; each retry consumes one step of the schedule."""


class LocalFailure(TransientFailure):
    """The problem is local: retries continue until it is fixed and consume no schedule step."""


class FinalFailure(Failure):
    """The same request will not succeed later; only a user can retry the item."""


class Absence(Failure):
    """Twilio reports that the media never existed: nothing is fetched."""
