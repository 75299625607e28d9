from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Level(StrEnum):
    """How serious a finding is. The values are what `--json` prints, so scripts depend on them."""

    OK = "ok"
    WARNING = "look"
    ERROR = "wrong"

    @property
    def mark(self) -> str:
        """One character for the start of the line, so that no colour is needed."""
        return {Level.OK: "✓", Level.WARNING: "!", Level.ERROR: "✗"}[self]


# The name of the finding of a check that did not run, because what it needs is missing.
SKIPPED = "not_looked_at"


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of the doctor: what was found, where, and how to fix it.

    `name` is the issue in lower case, or "" if everything is fine.
    """

    level: Level
    message: str
    where: str = ""
    remedy: str = ""
    name: str = ""

    def __str__(self) -> str:
        place = f" ({self.where})" if self.where else ""
        remedy = f" {self.remedy}" if self.remedy else ""
        message = self.message[:1].upper() + self.message[1:].removesuffix(".")
        return f"{message}{place}.{remedy}"


def ok(message: str, where: str = "") -> Finding:
    return Finding(Level.OK, message, where)
