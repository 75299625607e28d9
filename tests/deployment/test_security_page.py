"""docs/security.md claims only ASVS requirements that a test shows, and argues for the rest."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
VERDICTS = {"met", "accepted"}
ROWS = [
    [cell.strip() for cell in line.split("|")[1:-1]]
    for line in (ROOT / "docs" / "security.md").read_text().splitlines()
    if re.match(r"\| \d+\.\d+\.\d+", line)
]


def named_tests(cell: str) -> list[str]:
    return re.findall(r"`([a-z0-9_/]+\.py::\w+)`", cell)


def test_every_security_requirement_has_a_verdict() -> None:
    assert len(ROWS) > 50
    assert {row[0]: row[2] for row in ROWS if row[2] not in VERDICTS} == {}


def test_every_requirement_that_is_met_names_its_test() -> None:
    assert [row[0] for row in ROWS if row[2] == "met" and not named_tests(row[3])] == []


def test_every_accepted_deviation_is_justified() -> None:
    assert [row[0] for row in ROWS if row[2] == "accepted" and len(row[3]) < 30] == []


def test_every_test_that_is_named_exists() -> None:
    for number, _, _, evidence in ROWS:
        for test in named_tests(evidence):
            file, _, name = test.partition("::")
            path = ROOT / "tests" / file
            assert path.is_file() and f"def {name}(" in path.read_text(), f"{number}: {test}"


def test_the_security_policy_states_the_time_frames_for_updates() -> None:
    page = (ROOT / "SECURITY.md").read_text()
    assert "make audit" in page
    assert set(re.findall(r"\| (\d+) days \|", page)) >= {"7", "30", "90"}
