"""`make bench` measures everything, `make bench ARGS=acknowledge` one part.

The arguments after the name are passed to the part: `make bench ARGS="acknowledge --rounds 9"`, and
`make bench ARGS="acknowledge --help"` lists its options. `summary` writes docs/benchmarks.md
from the latest figures of each part.
"""

from __future__ import annotations

import os
import subprocess
import sys

from tests.benchmarks import records

PARTS = (
    "acknowledge",
    "beside_downloads",
    "retrieve",
    "wait",
    "quorum",
    "memory",
    "excess_wait",
    "growth",
    "admin_at_scale",
    "slow_clients",
)
SUMMARY = "summary"
# Not parts of docs/benchmarks.md: a calculation, and a ratio that docs/gateway.md has.
OTHERS = ("schedule", "gateway")


def main(arguments: list[str]) -> int:
    """Run one part, or each in turn; return the worst exit status."""
    names, options = (arguments[:1], arguments[1:]) if arguments else ((*PARTS, SUMMARY), [])
    if unknown := set(names) - {*PARTS, SUMMARY, *OTHERS}:
        print(f"There is no part {unknown.pop()!r}, only: {', '.join((*PARTS, SUMMARY))}.")  # noqa: T201
        return 2
    return max(run(name, options) for name in names)


def run(name: str, options: list[str]) -> int:
    """Run one part in its own process, because each sets Django up differently."""
    env = os.environ | {"DJANGO_SETTINGS_MODULE": "mediapipe.settings"}
    env.setdefault("DATA_DIR", str(records.FOLDER / "data"))
    command = [sys.executable, "-m", f"tests.benchmarks.{name}", *options]
    return subprocess.run(command, cwd=records.ROOT, env=env, check=False).returncode


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
