"""What a fault may do to the connection that a request came by."""

from collections.abc import Iterator, Mapping
from typing import Protocol


class Wire(Protocol):
    """The connection, the media that was asked for on it, and the usual answer."""

    @property
    def media_type(self) -> str:
        """The content type that the media has."""

    @property
    def media_size(self) -> int:
        """The size of the media in bytes."""

    @property
    def url(self) -> str:
        """The address that was asked for."""

    def media_blocks(self) -> Iterator[bytes]:
        """The bytes of the media."""

    def start(self, status: int, headers: Mapping[str, str] | list[tuple[str, str]]) -> None:
        """Send the status line and all headers."""

    def write(self, data: bytes) -> None:
        """Send bytes as they are."""

    def fail(self, status: int, **headers: str) -> None:
        """Answer with an error document in the words of this origin."""

    def behave(self) -> None:
        """Answer as if there had been no fault."""

    def link(self, hops: int) -> str:
        """A CDN link that redirects so many times before it gives the bytes."""

    def pause(self, seconds: float | None) -> bool:
        """Wait (None: until released); tell whether the wait was cut short by a release."""

    def reset(self) -> None:
        """Break the connection with a TCP reset."""

    def hang_up(self) -> None:
        """Close the connection when the answer is over, whatever the client expects."""
