"""The verified parameters of one webhook, of whatever kind, as they can be read and stored."""

import re
from collections.abc import Iterator

from mediapipe.providers.base import WebhookUnreadable

# What the other side's texts are cut to, in characters.
MAX_TEXT = 255


class Form:
    """The verified parameters of one webhook, as they can be stored."""

    def __init__(self, parameters: tuple[tuple[str, str], ...]) -> None:
        self.parameters = tuple((_storable(name), _storable(value)) for name, value in parameters)

    def text(self, name: str) -> str:
        """Return the first value of this name, or ""."""
        return next((value for key, value in self.parameters if key == name), "")

    def label(self, name: str) -> str:
        """Return the first value of this name as one short line, or ""."""
        return label(self.text(name))

    def sid(self, reason: str, prefix: str, *names: str) -> str:
        """Return the SID under the first of these names that has one, or "".

        Raises WebhookUnreadable for this reason where it is malformed. That is strict because
        a signature covers names and values without separators: who holds a signed request can
        shift characters between them.
        """
        values = next(filter(None, map(self._values, names)), set())
        if len(values) > 1:
            raise WebhookUnreadable("ambiguous", f"{names[0]} is given with different values.")
        sid = next(iter(values), "")
        if sid and not re.fullmatch(rf"(?:{prefix})[0-9a-fA-F]{{32}}", sid):
            raise WebhookUnreadable(reason, f"{names[0]} must be {prefix} and 32 hex digits.")
        return sid

    def account_sid(self) -> str:
        """Return the SID of the account; raise WebhookUnreadable where there is none."""
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

    def _values(self, name: str) -> set[str]:
        return {value for key, value in self.parameters if key == name and value}


def label(text: str) -> str:
    """Return a text as one short line."""
    return "".join(filter(str.isprintable, text))[:MAX_TEXT]


def _storable(text: str) -> str:
    # PostgreSQL takes no NUL in text; the symbol for it shows where one was.
    return text.replace("\0", "\u2400")
