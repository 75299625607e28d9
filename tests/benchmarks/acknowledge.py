"""Webhooks per second of the full view, against bare views on the same server and database.

`inserts` only does the same inserts and the commit, `nothing` responds immediately. The three
alternate, so that other load on the machine slows all of them down.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable
from itertools import product
from statistics import median
from typing import Any

from rich.console import Console

from mediapipe.operations import programs
from mediapipe.simulator import payloads
from mediapipe.simulator.script import AUTH_TOKEN
from mediapipe.simulator.webhooks import PATHS, sign
from tests.benchmarks import load, records, rig, usage
from tests.support import servers

PART = "acknowledge"
VIEWS = ("full", "inserts", "nothing")
# The number of threads of the web server of `make run`.
CONNECTIONS = 8
console = Console()


def main(arguments: list[str] | None = None) -> None:
    """Measure each database with each broker."""
    options = parsed(arguments)
    load_before = records.load()
    runs = []
    for database, broker in product(options.databases, options.brokers):
        console.print(f"acknowledge: {database}, {broker}")
        runs.append(measured(database, broker, options))
        console.print(line(runs[-1]))
    file = records.write(PART, {"media": options.media, "runs": runs}, load_before=load_before)
    console.print(f"written to {file}")


def parsed(arguments: list[str] | None) -> argparse.Namespace:
    """Read the sizes from the command line."""
    parser = argparse.ArgumentParser(prog=f"tests.benchmarks {PART}", description=__doc__)
    parser.add_argument("--requests", type=int, default=400, help="per view and round (400)")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--media", type=int, default=1, help="media per webhook (1)")
    parser.add_argument("--databases", nargs="+", choices=rig.DATABASES, default=rig.DATABASES)
    parser.add_argument("--brokers", nargs="+", choices=rig.BROKERS, default=rig.BROKERS)
    return parser.parse_args(arguments)


def measured(database: str, broker: str, options: argparse.Namespace) -> dict[str, Any]:
    """Return the figures of one database and broker."""
    port = servers.free_port()
    env = {
        "DJANGO_SETTINGS_MODULE": "tests.benchmarks.settings",
        # One account may use half of it; beyond that the view would publish nothing.
        "QUEUE_MAX_MESSAGES": "10000000",
    }
    web = programs.web(f"127.0.0.1:{port}")
    with rig.rig(database, broker, **env) as made, made.running(web) as supervisor:
        servers.wait_for_port(port)
        bench = Bench(port, supervisor.running["web"].pid, options)
        rounds = [bench.round() for _ in range(options.rounds)]
        half = bench.at_half(median(each["full"]["rate"] for each in rounds))
        bench.check()
    return {"database": database, "broker": broker, "rounds": rounds, "at_half_rate": half}


class Bench:
    """The views of one running server, measured alternately."""

    def __init__(self, port: int, pid: int, options: argparse.Namespace) -> None:
        self.port, self.pid, self.options = port, pid, options
        self.sent = dict.fromkeys(VIEWS, 0)
        for view in VIEWS:
            # The first requests open connections, prepare statements and fill caches.
            self.loaded(view, load.as_fast_as_possible, CONNECTIONS * 4)

    def round(self) -> dict[str, dict[str, float]]:
        """Return each view's rate (per second), latencies and CPU time (ms) at full load."""
        figures = {}
        for view in VIEWS:
            before = usage.cpu_s(self.pid)
            done = self.loaded(view, load.as_fast_as_possible, self.options.requests)
            cpu_s = usage.cpu_s(self.pid) - before
            figures[view] = self.figures(done) | {"cpu_ms": 1000 * cpu_s / self.options.requests}
            self.get("/bare/settle/")
        return figures

    def at_half(self, greatest_rate: float) -> dict[str, dict[str, float]]:
        """Return the latencies of each view at half the full view's maximum rate."""
        figures = {}
        for view in VIEWS:
            done = self.loaded(view, self._at(greatest_rate / 2), self.options.requests)
            figures[view] = self.figures(done)
            self.get("/bare/settle/")
        return figures

    def _at(self, rate: float) -> Callable[[int, list[bytes], int], load.Load]:
        # More connections than threads, so that a slow response does not slow the sender down.
        return lambda port, requests, connections: load.at_rate(
            port, requests, 2 * connections, rate
        )

    def loaded(
        self, view: str, how: Callable[[int, list[bytes], int], load.Load], count: int
    ) -> load.Load:
        """Send `count` new webhooks to a view."""
        requests = [self.request(view) for _ in range(count)]
        self.sent[view] += count
        return how(self.port, requests, CONNECTIONS)

    def figures(self, done: load.Load) -> dict[str, float]:
        """Return the rate and the latencies of a load."""
        return {
            "rate": done.rate,
            "p50_ms": done.latency_ms(0.5),
            "p99_ms": done.latency_ms(0.99),
        }

    def request(self, view: str) -> bytes:
        """Return a signed webhook with new media, as the raw bytes of a request to this view."""
        paths = {
            "full": PATHS["messaging"],
            "inserts": f"/bare/inserts/{self.options.media}/",
            "nothing": "/bare/nothing/",
        }
        host = f"127.0.0.1:{self.port}"
        webhook = payloads.mms(self.options.media)
        signed = sign(webhook, f"http://{host}{paths[view]}", AUTH_TOKEN)
        headers = signed.headers | {"Host": host, "Content-Length": str(len(signed.body))}
        lines = [f"POST {paths[view]} HTTP/1.1", *(f"{n}: {v}" for n, v in headers.items())]
        return ("\r\n".join(lines) + "\r\n\r\n" + signed.body).encode()

    def get(self, path: str) -> dict[str, int]:
        """Return the JSON response of one of the helper views."""
        request = f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{self.port}\r\n\r\n"
        client = load.Client(self.port)
        try:
            return dict(json.loads(client.ask(request.encode())))
        finally:
            client.close()

    def check(self) -> None:
        """Raise AssertionError unless all webhooks have rows, and the full view's also messages."""
        webhooks = self.sent["full"] + self.sent["inserts"]
        expected = {
            "events": webhooks,
            "media": webhooks * self.options.media,
            "messages": self.sent["full"] * self.options.media,
        }
        found = self.get("/bare/counts/")
        assert found == expected, f"{found}, expected {expected}"


def ratio(run: dict[str, Any], of: str, to: str, figure: str) -> float:
    """Return the ratio of one view's figure to another's: the median over the rounds."""
    return float(median(each[of][figure] / each[to][figure] for each in run["rounds"]))


def median_of(run: dict[str, Any], view: str, figure: str) -> float:
    """Return the median of a figure over the rounds."""
    return float(median(each[view][figure] for each in run["rounds"]))


def line(run: dict[str, Any]) -> str:
    """Return the row of a table about one database and broker."""
    half = run["at_half_rate"]
    cells = [
        run["database"],
        run["broker"],
        *(f"{median_of(run, view, 'rate'):.0f}" for view in VIEWS),
        f"{ratio(run, 'full', 'inserts', 'rate'):.2f}",
        f"{ratio(run, 'full', 'nothing', 'rate'):.2f}",
        pair(median_of(run, "full", "cpu_ms"), median_of(run, "inserts", "cpu_ms")),
        *(
            pair(median_of(run, view, "p50_ms"), median_of(run, view, "p99_ms"))
            for view in VIEWS[:2]
        ),
        *(pair(half[view]["p50_ms"], half[view]["p99_ms"]) for view in VIEWS[:2]),
    ]
    return "| " + " | ".join(cells) + " |"


def pair(first: float, second: float) -> str:
    """Return two figures in one cell."""
    return f"{first:.1f} / {second:.1f}"


def section(run: records.Run) -> list[str]:
    """Return the section of docs/benchmarks.md about a run."""
    head = (
        "database",
        "broker",
        "full view /s",
        "inserts only /s",
        "nothing /s",
        "full : inserts",
        "full : nothing",
        "CPU ms, full / inserts",
        "p50 / p99 ms, full",
        "p50 / p99 ms, inserts",
        "at half rate, full",
        "at half rate, inserts",
    )
    return [
        "Webhooks per second: the full view (signature, parsing, event and media rows, commit,",
        "task) against a bare Django view with the same inserts and commit, and one that only",
        f"responds. Same web server and database, alternating; {run['media']} media per webhook.",
        "Latencies at full load, and at half of the full view's highest rate.",
        "",
        "| " + " | ".join(head) + " |",
        "|" + "---|" * len(head),
        *map(line, run["runs"]),
    ]


if __name__ == "__main__":
    main()
