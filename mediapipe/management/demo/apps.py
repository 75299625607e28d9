from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from rich.table import Table

from mediapipe.management.demo.script import DemoStep
from mediapipe.simulator import Simulator
from mediapipe.simulator.app import MediaApp, media_app

# Longer than the demo's longest delay plus the retries that follow it.
HOLD = "100s"
COLUMNS = ("app", "messages", "media fetched", "early 404s seen", "media lost")


@dataclass(frozen=True)
class TwoApps:
    """The same app twice, with the same messages and delays: behind the gateway, and without it.

    The second one has a simulator of its own, so that the service never sees its media.
    """

    behind: MediaApp
    alone: MediaApp
    twilio: Simulator

    def configure(self, data_dir: Path) -> Path:
        """Write the GATEWAY_FILE of the first app, and return its path."""
        entry = {
            # The name has the port, so messages left by an earlier demo are dropped, not sent here.
            "name": f"app-{urlsplit(self.behind.url).port}",
            "url": self.behind.url,
            "sources": ["messaging"],
            "answer": "empty",
            "media": "hold",
            "hold": HOLD,
        }
        path = data_dir / "gateway.json"
        path.write_text(json.dumps([entry], indent=1))
        return path

    def send_alone(self, step: DemoStep) -> None:
        """Send a message to the app without the gateway."""
        self.twilio.send(step.webhook, to=self.alone.url, method=step.method)

    def is_settled(self, planned: Sequence[DemoStep]) -> bool:
        """Return whether both apps have every message, and have fetched or given up its media."""
        messages = by_sid(planned)
        media = sum(len(step.webhook.media) for step in messages.values())
        return all(
            len(app.messages) == len(messages) and app.ended == media
            for app in (self.behind, self.alone)
        )

    def problems(self, planned: Sequence[DemoStep]) -> list[str]:
        """Return a sentence per deviation from the expected result."""
        problems = []
        if self.behind.messages != dict.fromkeys(by_sid(planned), 1):
            problems.append("the app behind the gateway did not get each message exactly once")
        if not self.is_settled(planned):
            problems.append("an app did not get all messages, or is still fetching their media")
        if refused := self.behind.refused + self.alone.refused:
            problems.append(f"the apps refused the signature of {refused} messages")
        if self.behind.early_404s or self.behind.lost:
            seen = f"{self.behind.early_404s} early 404s and lost {self.behind.lost} media"
            problems.append(f"the app behind the gateway saw {seen}")
        return problems

    def table(self) -> Table:
        table = Table(*COLUMNS, title="The same app, with and without the gateway")
        for name, app in (("behind the gateway", self.behind), ("without it", self.alone)):
            counts = (len(app.messages), app.fetched, app.early_404s, app.lost)
            table.add_row(name, *map(str, counts))
        return table


@contextmanager
def two_apps() -> Iterator[TwoApps]:
    """Run both apps on loopback."""
    with Simulator() as twilio, media_app() as behind, media_app() as alone:
        yield TwoApps(behind, alone, twilio)


def by_sid(planned: Sequence[DemoStep]) -> dict[str, DemoStep]:
    """Return the messages that an app receives, by SID, each once."""
    return {step.webhook["MessageSid"]: step for step in planned if step.is_message}
