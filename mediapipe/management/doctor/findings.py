"""What the doctor says: one finding a line, well or with a trouble that has a name."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class State(StrEnum):
    """How bad it is: nothing, something to look at, or something that keeps the service from work.

    It is told by a word and a sign, so that it needs no colour.
    """

    OK = "ok"
    LOOK = "look"
    WRONG = "wrong"

    @property
    def sign(self) -> str:
        """One character before the word."""
        return {"ok": "✓", "look": "!", "wrong": "✗"}[self]


@dataclass(frozen=True, slots=True)
class Finding:
    """What was seen, where, and what to do; `name` says which trouble it is, "" for none."""

    state: State
    what: str
    where: str = ""
    todo: str = ""
    name: str = ""

    def __str__(self) -> str:
        place = f" ({self.where})" if self.where else ""
        todo = f" {self.todo}" if self.todo else ""
        what = self.what[:1].upper() + self.what[1:].removesuffix(".")
        return f"{what}{place}.{todo}"


def fine(what: str, where: str = "") -> Finding:
    """Return a finding about something that is as it should be."""
    return Finding(State.OK, what, where)
