from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any


class Level(StrEnum):
    """How serious a finding is. The values are what `--json` prints, so scripts depend on them."""

    OK = "ok"
    WARNING = "look"
    ERROR = "wrong"

    @property
    def mark(self) -> str:
        """One character for the start of the line, which makes colour unnecessary."""
        return {Level.OK: "✓", Level.WARNING: "!", Level.ERROR: "✗"}[self]


# The name of the finding that a check yields if it cannot run.
SKIPPED = "not_looked_at"


@dataclass(frozen=True, slots=True)
class RouteLine:
    """A number, service or sender in the table that follows a finding."""

    masked: str
    full: str
    url: str
    verdict: str


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of the doctor: what was found, where, and how to fix it.

    `name` is the issue in lower case, the id of a Django check, or SKIPPED; "" if everything is
    fine. `full` is `where` with complete phone numbers, if it has any; `routes` is a table that
    follows the line.
    """

    level: Level
    message: str
    where: str = ""
    remedy: str = ""
    name: str = ""
    full: str = ""
    routes: tuple[RouteLine, ...] = ()

    def in_full(self) -> Finding:
        """Return the finding with complete phone numbers."""
        routes = tuple(replace(route, masked=route.full) for route in self.routes)
        return replace(self, where=self.full or self.where, routes=routes)

    def as_json(self, part: str) -> dict[str, Any]:
        """Return the finding as `--json` prints it, with masked numbers."""
        document: dict[str, Any] = {
            "part": part,
            "state": self.level,
            "what": self.message,
            "where": self.where,
            "todo": self.remedy,
            "name": self.name,
        }
        if self.routes:
            document["routes"] = [
                {"name": route.masked, "url": route.url, "verdict": route.verdict}
                for route in self.routes
            ]
        return document

    def __str__(self) -> str:
        place = f" ({self.where})" if self.where else ""
        remedy = f" {self.remedy}" if self.remedy else ""
        message = self.message[:1].upper() + self.message[1:].removesuffix(".")
        return f"{message}{place}.{remedy}"


def ok(message: str, where: str = "") -> Finding:
    return Finding(Level.OK, message, where)
