"""How long webhooks wait while their media is downloaded, in a whole service.

Each media response takes long enough for the given number of downloads to be in progress at any
time, while attempts and webhooks write to the same database. Rounds alternate with the same number
of webhooks without media, which show what the machine and its other load cost. Latency counts from
the scheduled sending time.
"""

from __future__ import annotations

import argparse
import sys
from itertools import product
from statistics import median
from typing import Any

from rich.console import Console

from mediapipe.operations import programs
from mediapipe.operations.programs import Program
from mediapipe.simulator import payloads
from mediapipe.simulator.payloads import Webhook
from mediapipe.simulator.script import AUTH_TOKEN
from mediapipe.simulator.webhooks import PATHS, sign
from tests.benchmarks import load, records, rig, twilio
from tests.support import servers

PART = "beside_downloads"
KINDS = ("beside downloads", "without media")
# Enough at this rate for a slow response not to slow the sender down.
CONNECTIONS = 32
BYTES = 50_000
FIGURES = ("p50_ms", "p95_ms", "p99_ms", "max_ms")
console = Console()


def main(arguments: list[str] | None = None) -> None:
    """Measure each database and broker."""
    options = parsed(arguments)
    load_before = records.load()
    runs = []
    for database, broker in product(options.databases, options.brokers):
        runs.append(measured(database, broker, options))
        console.print("\n".join(lines(runs[-1])), highlight=False)
    figures = {"rate": options.rate, "downloads": options.downloads, "runs": runs}
    file = records.write(PART, figures, load_before=load_before)
    console.print(f"written to {file}")


def parsed(arguments: list[str] | None) -> argparse.Namespace:
    """Read the sizes from the command line."""
    parser = argparse.ArgumentParser(prog=f"tests.benchmarks {PART}", description=__doc__)
    parser.add_argument("--rate", type=float, default=20.0, help="webhooks per second (20)")
    parser.add_argument("--downloads", type=int, default=16, help="running at any time (16)")
    parser.add_argument("--seconds", type=int, default=20, help="of each round and kind (20)")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--databases", nargs="+", choices=rig.DATABASES, default=rig.DATABASES)
    parser.add_argument("--brokers", nargs="+", choices=rig.BROKERS, default=["embedded"])
    return parser.parse_args(arguments)


def measured(database: str, broker: str, options: argparse.Namespace) -> dict[str, Any]:
    """Return the rounds of one database and broker."""
    port, api, cdn = servers.free_port(), servers.free_port(), servers.free_port()
    env = {
        "TWILIO_API_HOSTS": f"http://{twilio.API_HOST}:{api}",
        "MEDIA_REDIRECT_HOSTS": f"{twilio.CDN_HOST}:{cdn}",
        "MEDIA_ALLOWED_NETWORKS": "127.0.0.0/8",
    }
    provider = Program("twilio", [sys.executable, "-m", twilio.__name__, str(api), str(cdn)])
    service = [provider, programs.web(f"127.0.0.1:{port}"), *programs.workers(), programs.beat()]
    with rig.rig(database, broker, **env) as made, made.running(*service):
        for each in (api, port):
            servers.wait_for_port(each)
        for program in programs.workers():
            rig.wait_for_log(made, program.name, "ready.")
        rounds = [one_round(port, api, options) for _ in range(options.rounds + 1)]
    # The first one opens the connections and fills the caches.
    return {"database": database, "broker": broker, "rounds": rounds[1:]}


def one_round(port: int, api: int, options: argparse.Namespace) -> dict[str, dict[str, float]]:
    """Return the latencies of each kind of webhook."""
    count = round(options.rate * options.seconds)
    answer_ms = round(1000 * options.downloads / options.rate)
    webhooks = {
        "beside downloads": [with_media(api, answer_ms) for _ in range(count)],
        "without media": [payloads.sms() for _ in range(count)],
    }
    return {kind: latencies(port, webhooks[kind], options.rate) for kind in KINDS}


def with_media(api: int, answer_ms: int) -> Webhook:
    """Return a webhook with a media item whose response takes this long."""
    webhook = payloads.mms(1)
    url = twilio.media_url(api, BYTES, answer_ms, webhook["MessageSid"])
    return webhook.changed(MediaUrl0=url)


def latencies(port: int, webhooks: list[Webhook], rate: float) -> dict[str, float]:
    """Send the webhooks at this rate (per second); return the FIGURES of their latencies in ms."""
    done = load.at_rate(port, [request(port, each) for each in webhooks], CONNECTIONS, rate)
    values = [*map(done.latency_ms, (0.5, 0.95, 0.99)), 1000 * max(done.latencies_s)]
    return dict(zip(FIGURES, values, strict=True))


def request(port: int, webhook: Webhook) -> bytes:
    """Return a signed webhook as the raw bytes of a request."""
    host, path = f"127.0.0.1:{port}", PATHS["messaging"]
    signed = sign(webhook, f"http://{host}{path}", AUTH_TOKEN)
    headers = signed.headers | {"Host": host, "Content-Length": str(len(signed.body))}
    head = [f"POST {path} HTTP/1.1", *(f"{name}: {value}" for name, value in headers.items())]
    return ("\r\n".join(head) + "\r\n\r\n" + signed.body).encode()


def lines(run: dict[str, Any]) -> list[str]:
    """Return the rows of a table about one database and broker."""
    rows = []
    for kind in KINDS:
        cells = [run["database"], run["broker"], kind]
        for name in FIGURES:
            values = [each[kind][name] for each in run["rounds"]]
            cells.append(f"{median(values):.0f} ({min(values):.0f}-{max(values):.0f})")
        rows.append("| " + " | ".join(cells) + " |")
    return rows


def section(run: records.Run) -> list[str]:
    """Return the section of docs/benchmarks.md about a run."""
    return [
        f"Webhooks at {run['rate']:.0f} per second to a whole service that downloads the media of",
        f"each, {run['downloads']} of 50 KB at any time; alternating with webhooks without media.",
        "Latency from when each was to be sent, in ms: the median of the rounds, and the lowest",
        "and the highest.",
        "",
        "| database | broker | webhooks | p50 | p95 | p99 | longest |",
        "|---|---|---|---|---|---|---|",
        *(line for each in run["runs"] for line in lines(each)),
    ]


if __name__ == "__main__":
    main()
