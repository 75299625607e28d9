"""Acknowledging webhooks that match no entry of GATEWAY_FILE, against a service without the file.

One process alternates between webhooks with and without it, so that other load on the machine
slows both equally: two servers differ by more than the effect, even with the same configuration.
The figures are in docs/gateway.md, not in docs/benchmarks.md.
"""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path
from statistics import median
from typing import Any

from rich.console import Console

from mediapipe.simulator import payloads
from mediapipe.simulator.script import AUTH_TOKEN
from mediapipe.simulator.webhooks import PATHS, sign
from tests.benchmarks import records, rig

PART = "gateway"
# For accounts other than that of the webhooks.
ENTRIES = [
    {"name": f"app-{n}", "url": "https://app.example/", "accounts": [f"AC{n:032x}"]}
    for n in range(5)
]
HOST = "127.0.0.1"
WARM_UP = 50
console = Console()


def main(arguments: list[str] | None = None) -> None:
    """Measure one database with one broker: Django can be set up only once per process."""
    options = parsed(arguments)
    load_before = records.load()
    with rig.rig(options.database, options.broker) as made:
        rig.use(made.env | {"QUEUE_MAX_MESSAGES": "10000000"})
        runs = [run(made.folder, options.pairs) for _ in range(options.runs)]
    figures = {"database": options.database, "broker": options.broker, "runs": runs}
    console.print(line(figures), soft_wrap=True)
    console.print(f"written to {records.write(PART, figures, load_before=load_before)}")


def parsed(arguments: list[str] | None) -> argparse.Namespace:
    """Read the sizes from the command line."""
    parser = argparse.ArgumentParser(prog=f"tests.benchmarks {PART}", description=__doc__)
    parser.add_argument("--pairs", type=int, default=300, help="webhooks per kind and run (300)")
    parser.add_argument("--runs", type=int, default=10)
    parser.add_argument("--database", choices=rig.DATABASES, default="postgresql")
    # Not the embedded one: starting it needs the settings before the rig has made them.
    parser.add_argument("--broker", choices=("rabbitmq", "redis"), default="rabbitmq")
    return parser.parse_args(arguments)


def run(folder: Path, pairs: int) -> dict[str, dict[str, float]]:
    """Return the median times and number of statements per webhook, with and without the file."""
    file = folder / "gateway.json"
    file.write_text(json.dumps(ENTRIES))
    taken: dict[str, list[dict[str, float]]] = {"without": [], "with": []}
    for number in range(WARM_UP + pairs):
        # Each kind goes first in every second pair.
        for kind, figures in [*taken.items()][:: (-1) ** number]:
            figures.append(acknowledged(str(file) if kind == "with" else ""))
    return {
        kind: {name: median(each[name] for each in figures[WARM_UP:]) for name in figures[0]}
        for kind, figures in taken.items()
    }


def acknowledged(gateway_file: str) -> dict[str, float]:
    """Send one picture message through the whole view; return times in ms, and statement count."""
    # They need Django set up.
    from django.conf import settings
    from django.db import connection
    from django.test import Client

    from mediapipe.gateway.entries import entries

    settings.GATEWAY_FILE = gateway_file
    entries.cache_clear()
    entries()
    client = Client(SERVER_NAME=HOST)
    path = PATHS["messaging"]
    signed = sign(payloads.mms(), f"http://{HOST}{path}", AUTH_TOKEN)
    statements: list[str] = []

    def count(execute: Any, sql: str, *arguments: Any) -> Any:
        statements.append(sql)
        return execute(sql, *arguments)

    with connection.execute_wrapper(count):
        wall_s, cpu_s = time.perf_counter(), time.thread_time()
        answer = client.generic(
            "POST", path, signed.body, signed.headers["Content-Type"], headers=signed.headers
        )
        wall_s, cpu_s = time.perf_counter() - wall_s, time.thread_time() - cpu_s
    assert answer.status_code == 200, answer.content
    return {"wall_ms": 1000 * wall_s, "cpu_ms": 1000 * cpu_s, "statements": len(statements)}


def line(figures: dict[str, Any]) -> str:
    """Return a table row: the median and each of the runs' ratios, then times and statements."""
    cells = [f"{figures['database']}, {figures['broker']}"]
    for name in ("wall_ms", "cpu_ms"):
        found = [each["with"][name] / each["without"][name] for each in figures["runs"]]
        cells.append(f"{name} {median(found):.3f} ({' '.join(f'{ratio:.2f}' for ratio in found)})")
    for name in ("wall_ms", "cpu_ms", "statements"):
        kinds = (
            median(each[kind][name] for each in figures["runs"]) for kind in figures["runs"][0]
        )
        cells.append(f"{name} " + " / ".join(f"{value:.2f}" for value in kinds))
    return "| " + " | ".join(cells) + " |"


if __name__ == "__main__":
    main()
