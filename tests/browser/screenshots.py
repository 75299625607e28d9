"""Makes the screenshots in docs/images from a generated history: `make screenshots`."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path

from rich.console import Console

from tests.browser import arrivals
from tests.browser.person import USERS, Person, Scheme, chromium, in_front_of
from tests.support.service import ROOT, Service, running

FOLDER = ROOT / "docs" / "images"
# Enough for smooth curves, and made up within seconds.
MEDIA = "30000"
WIDTH, HEIGHT = 1280, 900
SCHEMES: tuple[Scheme, ...] = ("light", "dark")


def main() -> None:
    """Run the service on a history, and photograph its pages in light and dark."""
    console = Console()
    with tempfile.TemporaryDirectory() as folder, running(Path(folder)) as service:
        console.print("making a history up")
        service.manage("seed_history", "--media", MEDIA)
        service.manage("shell", "--verbosity=0", "--command", USERS)
        pages = shown(service)
        with chromium() as browser:
            for scheme in SCHEMES:
                with in_front_of(browser, service.url, (WIDTH, HEIGHT), scheme) as person:
                    person.log_in("support")
                    for name, show in pages.items():
                        show(person)
                        console.print(photograph(person, f"{name}-{scheme}"))


def shown(service: Service) -> dict[str, Callable[[Person], object]]:
    """Return how to get to each page; the media page is one of a picture that was late."""
    sid = arrivals.late(service, by_s=4.5).media[0].sid
    return {
        "overview": lambda person: person.visit("/admin/"),
        "timing": lambda person: person.visit("/admin/timing/?period=7d"),
        "failures": lambda person: person.visit("/admin/failures/?period=30d"),
        "media": lambda person: open_media(person, sid),
    }


def open_media(person: Person, sid: str) -> None:
    person.visit(f"/admin/mediapipe/mediaitem/?q={sid}")
    person.page.locator("#result_list tbody th a").first.click()


def photograph(person: Person, name: str) -> str:
    """Write what is in the window, once it is drawn, to a PNG file; return its name."""
    person.page.wait_for_load_state("networkidle")
    file = FOLDER / f"{name}.png"
    person.page.screenshot(path=file, animations="disabled")
    return str(file.relative_to(ROOT))
