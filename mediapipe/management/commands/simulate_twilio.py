"""manage.py simulate_twilio: a Twilio to develop against, in the foreground."""

import signal
import threading
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from mediapipe.simulator import Simulator, traffic
from mediapipe.simulator.script import ACCOUNT_SID, AUTH_TOKEN


class Command(BaseCommand):
    """Serves until Ctrl-C or SIGTERM; stdout is the environment to develop with."""

    help = "Serve a stand-in for Twilio (API and CDN) and optionally send webhooks."
    requires_system_checks = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare the options."""
        parser.add_argument("--api", default="127.0.0.1:9701", help="host:port of the API")
        parser.add_argument("--cdn", default="127.0.0.2:9702", help="host:port of the CDN")
        parser.add_argument("--account-sid", default=ACCOUNT_SID)
        parser.add_argument("--auth-token", default=AUTH_TOKEN)
        parser.add_argument(
            "--webhook-base", default="http://127.0.0.1:8000", help="where the service listens"
        )
        parser.add_argument("--send", type=int, default=0, metavar="N", help="webhooks to send")
        parser.add_argument("--rate", type=float, default=5.0, help="webhooks a second")
        parser.add_argument("--seed", type=int, default=1, help="of kinds, sizes and delays")
        parser.add_argument("--log", type=Path, metavar="FILE", help="a line of JSON per request")

    def handle(self, *args: Any, **options: Any) -> None:
        """Serve until told to stop."""
        stop = _stop_on_signals()
        try:
            simulator = Simulator(
                accounts={options["account_sid"]: options["auth_token"]},
                service=options["webhook_base"],
                api=_address(options["api"]),
                cdn=_address(options["cdn"]),
                log_file=options["log"],
            )
        except OSError as error:
            raise CommandError(f"An address or the log cannot be used: {error}") from error
        with simulator:
            for name, value in simulator.environment().items():
                self.stdout.write(f"{name}={value}")
            self.stdout.flush()
            if options["send"]:
                self._send(simulator, options, stop)
            stop.wait()

    def _send(self, simulator: Simulator, options: dict[str, Any], stop: threading.Event) -> None:
        answers = traffic.stream(
            simulator.send, options["send"], rate=options["rate"], seed=options["seed"], stop=stop
        )
        for status, count in sorted(answers.items()):
            said = f"answered {status}" if status else "not answered"
            self.stderr.write(f"{count} webhooks {said}")


def _address(text: str) -> tuple[str, int]:
    host, separator, port = text.rpartition(":")
    if not separator or not port.isdecimal() or int(port) > 65535:
        raise CommandError(f"{text!r} is no address such as 127.0.0.1:9701.")
    return host, int(port)


def _stop_on_signals() -> threading.Event:
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    return stop
