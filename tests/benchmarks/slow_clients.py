"""Webhooks while other clients hold their connections open, on several web servers.

Each server is the web program, the same with another gunicorn worker, or another server. All run at
the same time, on one database and broker, and are measured in turn.

granian 2.8 is not a candidate: its WSGI environment lacks the request target as sent, which the
signature covers, and a view's thread waits for the body.
"""

from __future__ import annotations

import argparse
import socket
import sys
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from statistics import median
from typing import Any

from rich.console import Console

from mediapipe.operations import programs
from mediapipe.operations.programs import Program
from mediapipe.simulator import payloads
from mediapipe.simulator.script import AUTH_TOKEN
from mediapipe.simulator.webhooks import PATHS, sign
from tests.benchmarks import load, records, rig
from tests.support import servers
from tests.support.slow_clients import SlowClients, occupying

PART = "slow_clients"
WORKER = "mediapipe.operations.web_worker.BufferingWorker"
FILE_BYTES = 40_000_000
ALL = SlowClients(silent=200, headers=200, bodies=200, downloads=50)
KINDS = (
    SlowClients(),
    *(replace(SlowClients(), **{kind: getattr(ALL, kind)}) for kind in ("silent", "headers")),
    *(replace(SlowClients(), **{kind: getattr(ALL, kind)}) for kind in ("bodies", "downloads")),
    ALL,
)
# Twilio waits 15 s for a response, and 5 s for that to a conversation's webhook.
TIMEOUT_S = 5.0
CONNECTIONS = 8
console = Console()


def other_worker(kind: str) -> Callable[[str], Program]:
    """Return a function that makes the web program with another gunicorn worker."""

    def program(bind: str) -> Program:
        web = programs.web(bind)
        # Our logger imports Django, and gevent cannot patch the locks of what is already imported.
        options = {WORKER: kind, "mediapipe.logs.GunicornLogger": "gunicorn.glogging.Logger"}
        return replace(web, command=[options.get(word, word) for word in web.command])

    return program


def module(name: str, *options: str) -> Callable[[str], Program]:
    """Return a function that makes another server's program; `options` contain {host}, {port}."""

    def program(bind: str) -> Program:
        host, _, port = bind.rpartition(":")
        words = [option.format(host=host, port=port) for option in options]
        return Program("web", [sys.executable, "-m", name, *words])

    return program


SERVERS: dict[str, Callable[[str], Program]] = {
    "gunicorn with waitress in each process": programs.web,
    "gunicorn gthread": other_worker("gthread"),
    "gunicorn gevent": other_worker("gevent"),
    "waitress alone": module(
        "waitress", "--listen={host}:{port}", "--threads=8", "mediapipe.wsgi:application"
    ),
}


def main(arguments: list[str] | None = None) -> None:
    """Measure each server."""
    options = parsed(arguments)
    load_before = records.load()
    with rig.rig(options.database, options.broker) as made:
        downloads = stored_file(made)
        with ExitStack() as stack:
            ports = {}
            for name, make in SERVERS.items():
                ports[name] = servers.free_port()
                # Each with a log of its own.
                program = replace(make(f"127.0.0.1:{ports[name]}"), name=name)
                stack.enter_context(made.running(program))
            for port in ports.values():
                warm_up(port)
            rates = undisturbed(ports, options)
            runs = [
                {"server": name, "rates": rates[name], **disturbed(port, downloads, options)}
                for name, port in ports.items()
            ]
    figures = {"database": options.database, "broker": options.broker, "runs": runs}
    file = records.write(PART, figures, load_before=load_before)
    console.print(f"written to {file}")


def parsed(arguments: list[str] | None) -> argparse.Namespace:
    """Read the sizes from the command line."""
    parser = argparse.ArgumentParser(prog=f"tests.benchmarks {PART}", description=__doc__)
    parser.add_argument("--webhooks", type=int, default=300, help="beside all clients (300)")
    parser.add_argument("--rate", type=float, default=20.0, help="webhooks a second (20)")
    parser.add_argument("--rounds", type=int, default=5, help="of full load (5)")
    parser.add_argument("--requests", type=int, default=300, help="per round of full load (300)")
    parser.add_argument("--database", choices=rig.DATABASES, default="postgresql")
    parser.add_argument("--broker", choices=rig.BROKERS, default="redis")
    return parser.parse_args(arguments)


def stored_file(made: rig.Rig) -> list[bytes]:
    """Store a file; return requests for it: by link, by link for a range, and in the admin."""
    rig.use(made.env)
    from django.contrib.auth.models import User
    from django.test import Client
    from django.urls import reverse
    from django.utils import timezone

    from mediapipe.api.views import signed_link
    from mediapipe.models import ApiToken, MediaItem
    from tests.benchmarks.backlog import announced, save

    save(*announced([f"https://api.twilio.com{PATHS['messaging']}"]))
    item = MediaItem.objects.get()
    path = Path(made.env["DATA_DIR"]) / "media" / "film.mp4"
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(b"x" * FILE_BYTES)
    MediaItem.objects.filter(pk=item.pk).update(
        status="stored", storage_name=path.name, size=FILE_BYTES, content_type="video/mp4"
    )
    client = Client()
    client.force_login(User.objects.create_superuser("bench"))
    cookie = f"Cookie: sessionid={client.cookies['sessionid'].value}"
    ApiToken.make("bench")
    expires_at = timezone.now() + timedelta(hours=3)
    link = reverse("api:file", args=[signed_link(item, ApiToken.objects.get(), expires_at)])
    page = reverse("admin:mediapipe_mediaitem_file", args=[item.pk])
    return [get(link), get(link, "Range: bytes=1-"), get(page, cookie)]


def get(path: str, *headers: str) -> bytes:
    """Return the bytes of a GET request."""
    return "\r\n".join([f"GET {path} HTTP/1.1", "Host: localhost", *headers, "", ""]).encode()


def warm_up(port: int) -> None:
    """Wait until the server responds; have it open connections and fill caches."""
    deadline = time.monotonic() + 300
    while answers(port, [get("/healthz", "Connection: close")], 20) == [None]:
        if time.monotonic() > deadline:
            raise TimeoutError(f"Nothing answers at port {port}.")
    answers(port, webhooks(port, 40), 20)


def webhooks(port: int, count: int, connection: str = "close") -> list[bytes]:
    """Return signed webhooks as the raw bytes of requests."""
    host, requests = f"127.0.0.1:{port}", []
    for _ in range(count):
        signed = sign(payloads.mms(1), f"http://{host}{PATHS['messaging']}", AUTH_TOKEN)
        headers = signed.headers | {"Host": host, "Content-Length": str(len(signed.body))}
        headers["Connection"] = connection
        lines = [f"POST {PATHS['messaging']} HTTP/1.1", *(f"{n}: {v}" for n, v in headers.items())]
        requests.append(("\r\n".join(lines) + "\r\n\r\n" + signed.body).encode())
    return requests


def undisturbed(ports: dict[str, int], options: argparse.Namespace) -> dict[str, dict[str, float]]:
    """Return rate and latencies of each server at full load, without slow clients."""
    rounds: dict[str, list[load.Load]] = {name: [] for name in ports}
    for _ in range(options.rounds):
        for name, port in ports.items():
            requests = webhooks(port, options.requests, "keep-alive")
            rounds[name].append(load.as_fast_as_possible(port, requests, CONNECTIONS))
    return {
        name: {
            "rate": median(each.rate for each in done),
            "p50_ms": median(each.latency_ms(0.5) for each in done),
            "p99_ms": median(each.latency_ms(0.99) for each in done),
        }
        for name, done in rounds.items()
    }


def disturbed(
    port: int, downloads: Sequence[bytes], options: argparse.Namespace
) -> dict[str, dict[str, Any]]:
    """Return how webhooks and /healthz are answered while each kind of slow client is connected."""
    figures = {}
    for slow in KINDS:
        count = options.webhooks if slow == ALL else min(60, options.webhooks)
        try:
            with occupying(port, slow, *downloads):
                asked = answers(port, webhooks(port, count), options.rate)
                health = answers(port, [get("/healthz", "Connection: close")] * 20, options.rate)
        except AssertionError as error:
            # gevent responds 500 to many downloads at once.
            console.print(port, f"a download was not answered: {error}")
            asked, health = [None] * count, [None] * 20
        figures[str(slow)] = {"webhooks": summed(asked), "healthz": summed(health)}
        console.print(port, str(slow), figures[str(slow)])
    return {"slow": figures}


def answers(port: int, requests: Sequence[bytes], rate: float) -> list[float | None]:
    """Send requests at a rate per second, one per connection; return seconds, None if not a 200."""
    begin = time.monotonic()

    def ask(numbered: tuple[int, bytes]) -> float | None:
        due = begin + numbered[0] / rate
        time.sleep(max(0.0, due - time.monotonic()))
        try:
            with socket.create_connection(("127.0.0.1", port), TIMEOUT_S) as connection:
                connection.sendall(numbered[1])
                if not connection.recv(65536).startswith(b"HTTP/1.1 200"):
                    return None
        except OSError:
            return None
        return time.monotonic() - due

    with ThreadPoolExecutor(int(rate * TIMEOUT_S * 2)) as pool:
        return list(pool.map(ask, enumerate(requests)))


def summed(asked: Sequence[float | None]) -> dict[str, float]:
    """Return how many were sent, how many were answered, and their latencies in ms."""
    answered = [each for each in asked if each is not None]
    return {
        "sent": len(asked),
        "answered": len(answered),
        "p50_ms": 1000 * records.percentile(answered, 0.5),
        "p99_ms": 1000 * records.percentile(answered, 0.99),
        "max_ms": 1000 * max(answered, default=0.0),
    }


def cell(figures: dict[str, float]) -> str:
    """Return the latencies if all were answered, else how many were."""
    if figures["answered"] < figures["sent"]:
        return f"{figures['answered']:.0f} of {figures['sent']:.0f}"
    return f"{figures['p50_ms']:.0f} / {figures['p99_ms']:.0f}"


def section(run: records.Run) -> list[str]:
    """Return the section of docs/benchmarks.md about a run."""
    kinds = [str(slow) for slow in KINDS]
    heads = ["server", "webhooks /s", "p50 / p99 ms", *kinds[:-1], "all of them", "/healthz"]
    rows = []
    for each in run["runs"]:
        rates, slow = each["rates"], each["slow"]
        cells = [each["server"], f"{rates['rate']:.0f}"]
        cells.append(f"{rates['p50_ms']:.1f} / {rates['p99_ms']:.1f}")
        cells += [cell(slow[kind]["webhooks"]) for kind in kinds]
        cells.append(cell(slow[kinds[-1]]["healthz"]))
        rows.append("| " + " | ".join(cells) + " |")
    return [
        "The web program, and others in its place, while clients hold connections open: silent,",
        "within the headers, within a body, or within the response with a file of 40 MB (by link,",
        "as a range, in the admin). First the rate at full load on 8 connections without them, all",
        "servers in turn; then 20 webhooks per second, each on a new connection: p50 / p99 in ms,",
        f"or how many were answered within {TIMEOUT_S:.0f} s.",
        "",
        "| " + " | ".join(heads) + " |",
        "|" + "---|" * len(heads),
        *rows,
        "",
        f"On {run['database']} and {run['broker']}.",
    ]


if __name__ == "__main__":
    main()
