from __future__ import annotations

import os
import socket
import time
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from urllib.error import URLError

from django.conf import settings
from rich.console import Console
from rich.progress import Progress

from mediapipe.management.demo.report import Baseline, DemoReport
from mediapipe.management.demo.script import announced_media, steps
from mediapipe.operations.programs import service
from mediapipe.operations.supervisor import Supervisor
from mediapipe.simulator import Simulator

START_S = 60.0
DEADLINE_S = 110.0
# Slow enough that the first media are fetched while later webhooks arrive.
WEBHOOKS_PER_S = 4.0


class DemoFailed(Exception):
    """The demo could not be completed; the message says why."""


def run(console: Console) -> tuple[DemoReport, dict[str, str]]:
    """Run the demo; return its report and the environment of the service."""
    bind = f"127.0.0.1:{free_port()}"
    log_dir = settings.DATA_DIR / "logs"
    with Simulator(service=f"http://{bind}", log_file=settings.DATA_DIR / "twilio.jsonl") as twilio:
        env = twilio.environment() | {"PUBLIC_BASE_URL": "", "MONITORING_TOKEN": ""}
        supervisor = Supervisor(service(bind), env=env, log_dir=log_dir)
        supervisor.stop_on_signals()
        with supervisor:
            console.print(f"Starting web, worker and beat. Logs: {log_dir}")
            wait_until_ready(f"http://{bind}/readyz", supervisor)
            return send_and_watch(twilio, console, supervisor), env


def send_and_watch(twilio: Simulator, console: Console, supervisor: Supervisor) -> DemoReport:
    """Send every webhook and wait until all media have settled, with a progress bar."""
    baseline = Baseline()
    planned = steps()
    media = len(announced_media(planned))
    with Progress(console=console) as progress, ThreadPoolExecutor(8) as pool:
        sent = progress.add_task("webhooks sent", total=len(planned))
        settled = progress.add_task("media settled", total=media)
        deadline = time.monotonic() + DEADLINE_S
        for step in planned:
            pool.submit(twilio.send, step.webhook, method=step.method, signature=step.signature)
            progress.advance(sent)
            progress.update(settled, completed=DemoReport(twilio, planned, baseline).settled)
            pause(supervisor, 1 / WEBHOOKS_PER_S)
        while (report := DemoReport(twilio, planned, baseline)).settled < media:
            progress.update(settled, completed=report.settled)
            if time.monotonic() > deadline:
                break
            pause(supervisor, 0.25)
        progress.update(settled, completed=report.settled)
    return DemoReport(twilio, planned, baseline)


def pause(supervisor: Supervisor, seconds: float) -> None:
    """Sleep; raise DemoFailed after Ctrl-C or SIGTERM."""
    time.sleep(seconds)
    if supervisor.stopping:
        raise DemoFailed("The demo was interrupted.")


def wait_until_ready(url: str, supervisor: Supervisor) -> None:
    """Wait for a response of the service; raise DemoFailed after START_S seconds."""
    deadline = time.monotonic() + START_S
    while time.monotonic() < deadline:
        try:
            with urllib.request.urlopen(url, timeout=5):  # noqa: S310  (our own loopback address)
                return
        except (URLError, OSError):
            pause(supervisor, 0.2)
    raise DemoFailed(f"The service did not respond at {url}; see {settings.DATA_DIR / 'logs'}.")


def free_port() -> int:
    """Return an unused port of 127.0.0.1."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port


def shell_line(env: dict[str, str]) -> str:
    """Return the command that serves the demo's data again."""
    names = ("TWILIO_ACCOUNT_SID", "TWILIO_AUTH_TOKEN")
    data = os.path.relpath(settings.DATA_DIR, settings.BASE_DIR)
    return " ".join([f"make run DATA_DIR={data}", *(f"{name}={env[name]}" for name in names)])
