"""Writes docs/benchmarks.md from the latest figures of each part under var/bench/."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path

from tests.benchmarks import records
from tests.benchmarks.__main__ import PARTS

PAGE = records.ROOT / "docs" / "benchmarks.md"
HEAD = """# Benchmarks

`make bench` measures everything, `make bench ARGS=acknowledge` one part, and `make bench
ARGS=summary` writes this page from the latest results of each part. Compare the ratios rather than
the absolute figures: what is compared was measured in one run, alternating, on the same machine.
[Before and after](before-and-after.md) shows how changes to the code affected these figures.
"""
# With a load average above this share of the cores the machine was already busy.
BUSY = 0.5


def main() -> None:
    """Write the page."""
    PAGE.write_text(page())


def page(folder: Path | None = None) -> str:
    """Return the page about the runs in this folder; it says so for a part that was never run."""
    return "\n".join([HEAD, *(part_of_page(name, folder) for name in PARTS)])


def part_of_page(name: str, folder: Path | None) -> str:
    """Return the section of one part."""
    part = import_module(f"tests.benchmarks.{name}")
    run = records.latest(part.PART, folder)
    lines = [f"## {name.replace('_', ' ').capitalize()}", ""]
    if run is None:
        return "\n".join([*lines, "Not measured yet.", ""])
    return "\n".join([*lines, *part.section(run), "", *conditions(run), ""])


def conditions(run: records.Run) -> list[str]:
    """Return the machine, versions and time of the run, with a warning if the machine was busy."""
    versions = ", ".join(f"{name} {version}" for name, version in run["versions"].items())
    lines = [
        f"Measured {run['at'][:16].replace('T', ' ')} UTC at commit `{run['commit']}` on",
        f"{run['machine']}, with {versions}.",
        f"Load average {run['load_before']} before and {run['load_after']} after.",
    ]
    if run["load_before"] > BUSY * run["cores"]:
        lines.append(
            "**The machine was busy with other work: the ratios are rough, the rates far too low.**"
        )
    return lines


if __name__ == "__main__":
    main()
