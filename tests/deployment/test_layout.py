"""tests/ has the packages of mediapipe/, and test modules share code only through helpers."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
TESTS = ROOT / "tests"
# Folders whose tests do not belong to one package of the product.
EXTRA = {
    "benchmarks",
    "browser",
    "deployment",
    "end_to_end",
    "faults",
    "mutations",
    "support",
    "tasks",
}


def imported(module: Path) -> Iterator[str]:
    """Yield the absolute dotted names of what a module imports."""
    package = module.relative_to(ROOT).parent.parts
    for node in ast.walk(ast.parse(module.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            start = package[: len(package) - node.level + 1] if node.level else ()
            prefix = ".".join([*start, *filter(None, [node.module])])
            yield from (f"{prefix}.{alias.name}" for alias in node.names)


def test_no_module_imports_a_test_module() -> None:
    offenders = {
        str(module.relative_to(TESTS)): name
        for module in TESTS.rglob("*.py")
        for name in imported(module)
        if any(part.startswith("test_") for part in name.split("."))
    }
    assert offenders == {}


def test_every_test_is_in_a_package() -> None:
    assert {path.name for path in TESTS.glob("*.py")} == {"__init__.py", "conftest.py"}


def test_every_package_of_tests_mirrors_a_package_of_the_product() -> None:
    folders = {path.name for path in TESTS.iterdir() if path.is_dir()} - {"__pycache__"}
    packages = {path.parent.name for path in (ROOT / "mediapipe").glob("*/__init__.py")}
    assert folders - EXTRA <= packages
