from __future__ import annotations

import os
import socket
import time
import urllib.request
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from urllib.error import URLError

from django.conf import settings
from rich.console import Console

from mediapipe.management.demo.apps import TwoApps, two_apps
from mediapipe.management.demo.report import Baseline, DemoReport
from mediapipe.management.demo.script import DemoStep, announced_media, steps
from mediapipe.management.progress import progress
from mediapipe.operations.programs import service
from mediapipe.operations.supervisor import Supervisor
from mediapipe.simulator import Simulator

START_S = 60.0
DEADLINE_S = 110.0
# Slow enough that the first media are fetched while later webhooks arrive.
WEBHOOKS_PER_S = 4.0


class DemoFailed(Exception):
    """The demo could not be completed; the message says why."""


@dataclass(frozen=True)
class DemoResult:
    """What a demo showed, and the environment of its service."""

    report: DemoReport
    apps: TwoApps
    problems: list[str]
    env: dict[str, str]


def run(console: Console) -> DemoResult:
    """Run the demo; raise DemoFailed if it could not be completed."""
    bind, data_dir = f"127.0.0.1:{free_port()}", settings.DATA_DIR
    with (
        Simulator(service=f"http://{bind}", log_file=data_dir / "twilio.jsonl") as twilio,
        two_apps() as apps,
    ):
        gateway = {"GATEWAY_FILE": str(apps.configure(data_dir))}
        env = twilio.environment() | {"PUBLIC_BASE_URL": "", "MONITORING_TOKEN": ""} | gateway
        supervisor = Supervisor(service(bind), env=env, log_dir=data_dir / "logs")
        supervisor.stop_on_signals()
        with supervisor:
            console.print(f"Starting web, worker and beat. Logs: {data_dir / 'logs'}")
            wait_until_ready(f"http://{bind}/readyz", supervisor)
            planned = steps()
            report = send_and_watch(twilio, apps, planned, console, supervisor)
            problems = [*report.problems(), *apps.problems(planned)]
            return DemoResult(report, apps, problems, env)


def send_and_watch(
    twilio: Simulator,
    apps: TwoApps,
    planned: Sequence[DemoStep],
    console: Console,
    supervisor: Supervisor,
) -> DemoReport:
    """Send every webhook, then wait for all media to settle or for DEADLINE_S seconds in all."""
    baseline = Baseline()
    media = len(announced_media(planned))
    with progress(console=console) as bars, ThreadPoolExecutor(8) as pool:
        sent = bars.add_task("webhooks sent", total=len(planned))
        settled = bars.add_task("media settled", total=media)
        deadline = time.monotonic() + DEADLINE_S
        for step, twin in zip(planned, steps(), strict=True):
            pool.submit(twilio.send, step.webhook, method=step.method, signature=step.signature)
            if twin.is_message:
                pool.submit(apps.send_alone, twin)
            bars.advance(sent)
            bars.update(settled, completed=DemoReport(twilio, planned, baseline).settled)
            pause(supervisor, 1 / WEBHOOKS_PER_S)
        while time.monotonic() < deadline:
            report = DemoReport(twilio, planned, baseline)
            bars.update(settled, completed=report.settled)
            if report.settled == media and apps.is_settled(planned):
                break
            pause(supervisor, 0.25)
    return DemoReport(twilio, planned, baseline)


def pause(supervisor: Supervisor, seconds: float) -> None:
    """Sleep; raise DemoFailed after Ctrl-C or SIGTERM."""
    time.sleep(seconds)
    if supervisor.stopping:
        raise DemoFailed("The demo was interrupted.")


def wait_until_ready(url: str, supervisor: Supervisor) -> None:
    """Wait for a response from the service; raise DemoFailed after START_S seconds."""
    deadline = time.monotonic() + START_S
    while time.monotonic() < deadline:
        try:
            with urllib.request.urlopen(url, timeout=5):  # noqa: S310  (our own loopback address)
                return
        except (URLError, OSError):
            pause(supervisor, 0.2)
    raise DemoFailed(f"The service did not respond at {url}; see {settings.DATA_DIR / 'logs'}.")


def free_port() -> int:
    """Return an unused port on 127.0.0.1."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port


def shell_line(env: dict[str, str]) -> str:
    """Return the command that serves the demo's data again."""
    names = ("TWILIO_ACCOUNT_SID", "TWILIO_AUTH_TOKEN")
    data = os.path.relpath(settings.DATA_DIR, settings.BASE_DIR)
    return " ".join([f"make run DATA_DIR={data}", *(f"{name}={env[name]}" for name in names)])
