import re
from collections.abc import Iterator

from mediapipe.failures import UrlMissing
from mediapipe.providers.base import AnnouncedMedia, Parameters
from mediapipe.providers.refusals import WebhookUnreadable

# Labels are truncated to this many characters.
MAX_TEXT = 255
NUMBER = re.compile(r"([0-9]{1,9})")


class Form:
    """The verified parameters of one webhook, in a form that can be stored."""

    def __init__(self, parameters: Parameters) -> None:
        # PostgreSQL rejects NUL in text; the symbol for NUL shows where one was.
        self.parameters = tuple(
            (name.replace("\0", "\u2400"), value.replace("\0", "\u2400"))
            for name, value in parameters
        )
        self._values: dict[str, list[str]] = {}
        for name, value in self.parameters:
            self._values.setdefault(name, []).append(value)

    def text(self, name: str) -> str:
        """Return the first value of this name, or ""."""
        return self._values.get(name, [""])[0]

    def label(self, name: str) -> str:
        """Return the first value of this name as one short line, or ""."""
        return label(self.text(name))

    def sid(self, reason: str, prefix: str, *names: str) -> str:
        """Return the SID under the first of these names that has a value, or "".

        Raises WebhookUnreadable with this reason if it is malformed, and "ambiguous" for several
        values. The check is strict because a signature covers names and values without
        separators: whoever has a signed request can shift characters between them.
        """
        given = (set(self._values.get(name, ())) - {""} for name in names)
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
        """Yield N and the value of each parameter name{N} that is not empty, sorted by N."""
        found = [
            (match[1], value)
            for key, value in self.parameters
            if value and key.startswith(name) and (match := NUMBER.fullmatch(key, len(name)))
        ]
        yield from sorted(found, key=lambda pair: int(pair[0]))


def label(text: str) -> str:
    """Return a text as one short line of printable characters."""
    printable = text if text.isprintable() else "".join(filter(str.isprintable, text))
    return printable[:MAX_TEXT]


def without_url(detail: str) -> AnnouncedMedia:
    """Return an item for media that a webhook announces without a usable URL."""
    return AnnouncedMedia(identity="unnamed", url="", failure=UrlMissing(detail))
