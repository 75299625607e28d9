import time
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from mediapipe.admin.text import counted
from mediapipe.management.arguments import positive
from mediapipe.operations.supervisor import handle_stop_signals
from mediapipe.settings.web import local_url
from mediapipe.simulator import Simulator, traffic
from mediapipe.simulator.script import ACCOUNT_SID, AUTH_TOKEN


class Command(BaseCommand):
    """Prints the environment for the service to standard output, then serves until Ctrl-C."""

    help = "Serves a simulated Twilio (API and CDN), and optionally sends webhooks."
    requires_system_checks = []
    stopping = False

    def add_arguments(self, parser: ArgumentParser) -> None:
        for name, default in (("api", "127.0.0.1:9701"), ("cdn", "127.0.0.2:9702")):
            help_text = f"host:port of the {name.upper()} (default: {default})"
            parser.add_argument(f"--{name}", default=default, help=help_text)
        parser.add_argument("--account-sid", default=ACCOUNT_SID)
        parser.add_argument("--auth-token", default=AUTH_TOKEN)
        parser.add_argument(
            "--webhook-base",
            default=local_url(settings.WEB_BIND),
            help="where the service listens (default: at WEB_BIND, %(default)s)",
        )
        parser.add_argument("--send", type=int, default=0, metavar="N", help="webhooks to send")
        parser.add_argument(
            "--rate", type=positive, default=5.0, help="webhooks per second (default: %(default)g)"
        )
        parser.add_argument("--seed", type=int, default=1, help="seed for kinds, sizes and delays")
        parser.add_argument(
            "--log", type=Path, metavar="FILE", help="append each request as a line of JSON"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        handle_stop_signals(self._request_stop)
        try:
            simulator = Simulator(
                accounts={options["account_sid"]: options["auth_token"]},
                service=options["webhook_base"],
                api=_address(options["api"]),
                cdn=_address(options["cdn"]),
                log_file=options["log"],
            )
        except OSError as error:
            raise CommandError(f"Cannot bind an address or open the log: {error}") from error
        with simulator:
            for name, value in simulator.environment().items():
                self.stdout.write(f"{name}={value}")
            self.stdout.flush()
            if options["send"]:
                self._send(simulator, options)
            while not self._pause(1):
                pass

    def _request_stop(self, *_: object) -> None:
        self.stopping = True

    def _pause(self, seconds: float) -> bool:
        """Sleep for `seconds` or until a stop signal arrives; return whether one did."""
        deadline = time.monotonic() + seconds
        while not self.stopping and (left := deadline - time.monotonic()) > 0:
            time.sleep(min(left, 0.2))
        return self.stopping

    def _send(self, simulator: Simulator, options: dict[str, Any]) -> None:
        statuses = traffic.stream(
            simulator.send,
            options["send"],
            rate=options["rate"],
            seed=options["seed"],
            pause=self._pause,
        )
        for status, count in sorted(statuses.items()):
            outcome = f"got status {status}" if status else "got no response"
            self.stderr.write(f"{counted(count, 'webhook')} {outcome}")


def _address(text: str) -> tuple[str, int]:
    host, separator, port = text.rpartition(":")
    if not separator or not port.isdecimal() or int(port) > 65535:
        raise CommandError(f"{text!r} is not an address; use the form 127.0.0.1:9701.")
    return host, int(port)
