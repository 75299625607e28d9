"""docs/promises.md names existing tests, and every mutation."""

from __future__ import annotations

import ast
import re
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
ROWS = [
    line.split("|")[1:-1]
    for line in (ROOT / "docs" / "promises.md").read_text().splitlines()
    if re.match(r"\| \d+ ", line)
]


def names_in(cell: str) -> list[str]:
    return re.findall(r"`([^`]+)`", cell)


def test_every_promise_names_a_test_that_exists() -> None:
    for number, _, tests, _ in ROWS:
        assert names_in(tests), number
        for test in names_in(tests):
            file, _, name = test.partition("::")
            assert f"def {name}(" in (ROOT / "tests" / file).read_text(), test


def test_every_promise_has_a_test_that_make_test_runs() -> None:
    left_out = [
        number
        for number, _, tests, _ in ROWS
        if all(is_left_to_test_all(*test.split("::")) for test in names_in(tests))
    ]
    assert left_out == []


def is_left_to_test_all(file: str, name: str) -> bool:
    """Return whether `make test` deselects this test, by its mark or that of its module."""
    if file.startswith("faults/"):
        return True
    tree = ast.parse((ROOT / "tests" / file).read_text())
    marks = "".join(
        ast.unparse(node)
        for node in tree.body
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "pytestmark"
    )
    function = next(
        node for node in tree.body if isinstance(node, ast.FunctionDef) and node.name == name
    )
    marks += "".join(ast.unparse(decorator) for decorator in function.decorator_list)
    return "mark.slow" in marks or "mark.services" in marks


def test_every_mutation_belongs_to_a_promise() -> None:
    patches = {path.stem for path in (ROOT / "tests" / "mutations").glob("*.patch")}
    listed = [name for row in ROWS for name in names_in(row[3])]
    assert sorted(listed) == sorted(patches)


def test_promises_are_numbered_in_order() -> None:
    assert [int(row[0]) for row in ROWS] == list(range(1, len(ROWS) + 1))
