"""No page and no table is wider than the window, from a desktop to a small phone."""

from __future__ import annotations

import json

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser

from tests.browser.every_page import every_page
from tests.browser.person import Scheme, open_window
from tests.support.service import Service

pytestmark = pytest.mark.services

PAGES = [
    "",
    "timing/",
    "failures/",
    "failures/?period=24h",
    "failures/?period=yesterday",
    "failures/reasons/",
    "retry-lab/",
    "jobs/",
    "jobs/{job}/",
    "accounts/pause/",
    "incidents/{mediapipe/incident}/package/",
    "mediapipe/incident/{mediapipe/incident}/history/",
    "mediapipe/mediaitem/?q=whatsapp:%2B15550000002&status__exact=failed",
    "mediapipe/mediaitem/retry/?status__exact=failed",
    "mediapipe/mediaitem/package/?status__exact=failed",
    "admin/logentry/",
    "auth/user/",
    "auth/user/add/",
    "auth/group/",
    "auth/group/{role}/change/",
    "mediapipe/rejection/",
    "mediapipe/webhookroute/",
    "mediapipe/reconciliation/",
]
LISTS = [
    "mediapipe/mediaitem",
    "mediapipe/webhookevent",
    "mediapipe/handoff",
    "mediapipe/deletion",
    "mediapipe/incident",
    "mediapipe/notice",
    "mediapipe/gatewaydelivery",
    "mediapipe/accounthealth",
    "mediapipe/apitoken",
    "django_celery_results/taskresult",
]
WIDE = """() => {
    const width = document.documentElement.clientWidth;
    const tables = [...document.querySelectorAll("#content table")].filter((table) =>
        table.getBoundingClientRect().right > width || table.scrollWidth > table.clientWidth + 1);
    const page = document.documentElement.scrollWidth;
    const wide = tables.map((table) => table.outerHTML.slice(0, 80));
    return page > width ? [`the page: ${page} px`, ...wide] : wide;
}"""
# By how many pixels each chart is narrower (or, negative, wider) than its frame.
GAPS = """() => [...document.querySelectorAll("section.chart")].map((section) => {
    const style = getComputedStyle(section);
    const padding = parseFloat(style.paddingLeft) + parseFloat(style.paddingRight);
    const chart = section.querySelector("canvas").getBoundingClientRect();
    return Math.round(section.clientWidth - padding - chart.width);
}).filter((gap) => Math.abs(gap) > 1)"""
MAKE_ROWS = """
import json
from tests.browser.rows import make_rows
print(json.dumps(make_rows()))
"""


@pytest.fixture(scope="module")
def paths(service: Service) -> list[str]:
    """Insert rows for every page, and return the pages' paths."""
    output = service.manage("shell", "--verbosity=0", "--command", MAKE_ROWS)
    rows = json.loads(output.splitlines()[-1])
    pages = [page.format(**rows) for page in PAGES]
    for name in LISTS:
        pages += [f"{name}/", f"{name}/{rows[name]}/change/"]
    return pages


@pytest.mark.parametrize("size", [(1440, 900), (390, 844)])
def test_nothing_is_wider_than_the_window(
    service: Service, browser: Browser, paths: list[str], size: tuple[int, int]
) -> None:
    with open_window(browser, service.url, size) as person:
        person.log_in("administrator")
        found = {}
        for path in paths:
            assert person.visit(f"/admin/{path}") == 200, path
            if wide := person.page.evaluate(WIDE):
                found[path] = wide
        assert found == {}
        assert person.errors == []


@pytest.mark.slow
def test_nothing_is_wider_than_a_window_that_gets_narrower(
    seeded: Service, browser: Browser
) -> None:
    with open_window(browser, seeded.url, (1440, 900)) as person:
        person.log_in("root")
        found = {}
        for name, path in every_page(seeded).items():
            person.visit(path)
            for width in (1440, 1024, 768, 375, 320):
                person.page.set_viewport_size({"width": width, "height": 900})
                if wide := person.page.evaluate(WIDE):
                    found[f"{name} at {width} px"] = wide
        assert found == {}


@pytest.mark.parametrize("width", [1024, 768])
def test_the_content_fills_a_window_without_a_sidebar(
    service: Service, browser: Browser, width: int
) -> None:
    with open_window(browser, service.url, (width, 900)) as person:
        person.log_in("viewer")
        content = person.page.locator("#main > .content")
        assert content.evaluate("(one) => one.getBoundingClientRect().width") == width


def test_charts_fill_their_frames_and_follow_a_window_that_gets_narrower(
    seeded: Service, browser: Browser
) -> None:
    with open_window(browser, seeded.url, (1440, 900)) as person:
        person.log_in("administrator")
        person.visit("/admin/timing/?period=30d")
        assert person.page.evaluate(GAPS) == []
        person.page.set_viewport_size({"width": 375, "height": 844})
        assert person.overflows_by() == 0
        person.page.wait_for_function(f"({GAPS})().length === 0")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_serious_on_a_phone(
    service: Service, browser: Browser, paths: list[str], scheme: Scheme
) -> None:
    with open_window(browser, service.url, (390, 844), scheme) as person:
        person.log_in("administrator")
        found = {}
        for path in paths:
            assert person.visit(f"/admin/{path}") == 200, path
            violations = Axe().run(person.page).response["violations"]
            serious = [one["id"] for one in violations if one["impact"] in {"serious", "critical"}]
            if serious:
                found[path] = serious
        assert found == {}
