from collections.abc import Iterator, Mapping
from typing import Protocol


class Wire(Protocol):
    """What a fault may do with a request's connection."""

    @property
    def media_type(self) -> str:
        """The content type of the media."""

    @property
    def media_size(self) -> int:
        """The size of the media in bytes."""

    @property
    def url(self) -> str:
        """The requested URL."""

    def media_blocks(self) -> Iterator[bytes]:
        """The bytes of the media."""

    def start(self, status: int, headers: Mapping[str, str] | list[tuple[str, str]]) -> None:
        """Send the status line and all headers."""

    def write(self, data: bytes) -> None:
        """Send raw bytes."""

    def fail(self, status: int, **headers: str) -> None:
        """Respond with this origin's error document."""

    def serve_normally(self) -> None:
        """Respond without a fault."""

    def cdn_link(self, hops: int) -> str:
        """A CDN link that redirects `hops` times before it serves the bytes."""

    def pause(self, seconds: float | None) -> bool:
        """Wait up to `seconds` (None: until released); return whether it was released."""

    def reset(self) -> None:
        """Send a TCP reset."""

    def hang_up(self) -> None:
        """Close the connection after the response, even if the client wants keep-alive."""
