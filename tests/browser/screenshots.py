"""Makes screenshots from a generated history: `make screenshots`.

Those of README and docs go to docs/images. One of every page, in light and dark, on a desktop and
a phone, goes to var/screenshots for inspection.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

from playwright.sync_api import Browser
from rich.console import Console

from tests.browser import arrivals, every_page
from tests.browser.person import Person, Scheme, chromium, open_window
from tests.support.service import ROOT, Service, running

DOCUMENTED = ROOT / "docs" / "images"
ALL = ROOT / "var" / "screenshots"
# Enough for smooth curves, and generated within seconds.
MEDIA = "20000"
WIDTH, HEIGHT = 1280, 900
SIZES = ((1440, 900), (390, 844))
SCHEMES: tuple[Scheme, ...] = ("light", "dark")


def main() -> None:
    """Run the service on a generated history, and take the screenshots."""
    console = Console()
    with tempfile.TemporaryDirectory() as folder, running(Path(folder)) as service:
        console.print("generating a history")
        every_page.seed(service, MEDIA)
        with chromium() as browser:
            for photo in documented(service, browser):
                console.print(photo)
            for photo in everything(service, browser):
                console.print(photo)


def documented(service: Service, browser: Browser) -> Iterator[str]:
    """Take the screenshots for README and docs; yield each file's name."""
    pages = shown(service)
    for scheme in SCHEMES:
        with open_window(browser, service.url, (WIDTH, HEIGHT), scheme) as person:
            person.log_in("support")
            for name, show in pages.items():
                show(person)
                yield take_screenshot(person, DOCUMENTED / f"{name}-{scheme}.png")


def everything(service: Service, browser: Browser) -> Iterator[str]:
    """Take a full-page screenshot of every page in each scheme and size; yield each file's name."""
    pages = every_page.every_page(service)
    for scheme in SCHEMES:
        for size in SIZES:
            place = ALL / f"{scheme}-{size[0]}"
            place.mkdir(parents=True, exist_ok=True)
            with open_window(browser, service.url, size, scheme) as person:
                person.visit("/admin/login/")
                yield take_screenshot(person, place / "login.png", whole=True)
                person.log_in("viewer")
                person.visit(every_page.FORBIDDEN)
                yield take_screenshot(person, place / "403.png", whole=True)
            with open_window(browser, service.url, size, scheme) as person:
                person.log_in("root")
                for name, path in (pages | {"404": every_page.MISSING}).items():
                    person.visit(path)
                    yield take_screenshot(person, place / f"{name}.png", whole=True)
                with every_page.failing(service):
                    person.visit(every_page.FAILING)
                    yield take_screenshot(person, place / "500.png", whole=True)


def shown(service: Service) -> dict[str, Callable[[Person], object]]:
    """Return a function that opens each page, by name; the media page is that of a late picture."""
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


def take_screenshot(person: Person, file: Path, *, whole: bool = False) -> str:
    """Save the window, or the whole page, as PNG once the network is idle; return its name."""
    person.page.wait_for_load_state("networkidle")
    person.page.screenshot(path=file, animations="disabled", full_page=whole)
    return str(file.relative_to(ROOT))
