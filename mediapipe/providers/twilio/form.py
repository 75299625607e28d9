import re
from collections.abc import Iterator

from mediapipe.failures import UrlMissing
from mediapipe.providers.base import AnnouncedMedia, Parameters, WebhookUnreadable

# Labels are cut to this many characters.
MAX_TEXT = 255


class Form:
    """The verified parameters of one webhook, as they can be stored."""

    def __init__(self, parameters: Parameters) -> None:
        # PostgreSQL rejects NUL in text; the symbol for NUL shows where one was.
        self.parameters = tuple(
            (name.replace("\0", "\u2400"), value.replace("\0", "\u2400"))
            for name, value in parameters
        )

    def text(self, name: str) -> str:
        """Return the first value of this name, or ""."""
        return next((value for key, value in self.parameters if key == name), "")

    def label(self, name: str) -> str:
        """Return the first value of this name as one short line, or ""."""
        return label(self.text(name))

    def sid(self, reason: str, prefix: str, *names: str) -> str:
        """Return the SID under the first of these names that has a value, or "".

        Raises WebhookUnreadable for this reason if it is malformed. The check is strict because
        a signature covers names and values without separators: whoever has a signed request can
        shift characters between them.
        """
        given = (
            {value for key, value in self.parameters if key == name and value} for name in names
        )
        values = next(filter(None, given), set())
        if len(values) > 1:
            raise WebhookUnreadable("ambiguous", f"{names[0]} is given with different values.")
        sid = next(iter(values), "")
        if sid and not re.fullmatch(rf"(?:{prefix})[0-9a-fA-F]{{32}}", sid):
            raise WebhookUnreadable(reason, f"{names[0]} must be {prefix} and 32 hex digits.")
        return sid

    def account_sid(self) -> str:
        """Return the SID of the account; raise WebhookUnreadable if it is missing."""
        sid = self.sid("account_sid", "AC", "AccountSid")
        if not sid:
            raise WebhookUnreadable("account_sid", "AccountSid is missing.")
        return sid

    def numbered(self, name: str) -> Iterator[tuple[str, str]]:
        """Yield each number N of this name with a value of name{N} that is not empty."""
        found = [
            (match[1], value)
            for key, value in self.parameters
            if value and (match := re.fullmatch(rf"{name}([0-9]{{1,9}})", key))
        ]
        yield from sorted(found, key=lambda pair: int(pair[0]))


def label(text: str) -> str:
    """Return a text as one short line of printable characters."""
    return "".join(filter(str.isprintable, text))[:MAX_TEXT]


def without_url(detail: str) -> AnnouncedMedia:
    """Return an item for media that a webhook announces without a usable URL."""
    return AnnouncedMedia(identity="unnamed", url="", failure=UrlMissing(detail))
