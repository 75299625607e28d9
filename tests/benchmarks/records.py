"""What was measured, on what, and when: one JSON file per run under var/bench/."""

from __future__ import annotations

import json
import os
import platform
import re
import shutil
import subprocess
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from statistics import quantiles
from typing import Any

ROOT = Path(__file__).resolve().parent.parent.parent
FOLDER = ROOT / "var" / "bench"
PACKAGES = ("Django", "celery", "kombu", "gunicorn", "waitress", "psycopg2-binary", "requests")
SERVERS = {
    "PostgreSQL": ["psql", "--version"],
    "RabbitMQ": ["rabbitmqctl", "version"],
    "Redis": ["redis-server", "--version"],
}

Run = dict[str, Any]


def write(part: str, figures: dict[str, Any], *, load_before: float) -> Path:
    """Write the figures of one run and its conditions to a file; return its path."""
    at = datetime.now(UTC)
    run = {
        "part": part,
        "at": at.isoformat(),
        "machine": machine(),
        "cores": os.cpu_count(),
        "versions": versions(),
        "commit": commit(),
        "load_before": load_before,
        "load_after": load(),
        **figures,
    }
    FOLDER.mkdir(parents=True, exist_ok=True)
    file = FOLDER / f"{part}-{at:%Y%m%dT%H%M%SZ}.json"
    file.write_text(json.dumps(run, indent=2))
    return file


def latest(part: str, folder: Path | None = None) -> Run | None:
    """Return the newest run of a part, or None if it was never run here."""
    # The names end with the time, in digits that sort by time.
    files = sorted((folder or FOLDER).glob(f"{part}-[0-9]*.json"))
    return dict(json.loads(files[-1].read_text())) if files else None


def load() -> float:
    """Return the load average of the last minute."""
    return round(os.getloadavg()[0], 2)


def machine() -> str:
    """Return CPU model, cores, memory and operating system."""
    named = (line for line in _lines("/proc/cpuinfo") if line.startswith("model name"))
    model = next(named, platform.machine()).rpartition(":")[2].strip()
    memory_kib = next(int(line.split()[1]) for line in _lines("/proc/meminfo"))
    return f"{model}, {os.cpu_count()} cores, {memory_kib / 2**20:.0f} GiB, {platform.system()}"


def versions() -> dict[str, str]:
    """Return the versions of Python, packages and servers that the figures depend on."""
    packages = {name: version(name) for name in PACKAGES}
    return {"Python": platform.python_version()} | packages | _servers()


def _servers() -> dict[str, str]:
    there = {name: command for name, command in SERVERS.items() if shutil.which(command[0])}
    output = {name: _output(command) for name, command in there.items()}
    found = {name: re.search(r"\d+(\.\d+)+", text) for name, text in output.items()}
    return {name: match[0] for name, match in found.items() if match}


def commit() -> str:
    """Return what `git describe` calls the commit; empty outside a repository."""
    return _output(["git", "describe", "--always", "--dirty"])


def _output(command: list[str]) -> str:
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    return done.stdout.strip()


def _lines(path: str) -> list[str]:
    return Path(path).read_text().splitlines()


def percentile(values: list[float], share: float) -> float:
    """Return the value that this share (0 to 1) does not exceed, interpolated; 0 without values.

    Not the service's own function: its models cannot be imported before a part sets Django up.
    """
    if len(values) < 2:
        return values[0] if values else 0.0
    return quantiles(values, n=100, method="inclusive")[round(100 * share) - 1]
