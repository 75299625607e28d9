"""axe finds nothing serious on any page, light or dark."""

from __future__ import annotations

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser

from tests.browser.every_page import FAILING, FORBIDDEN, MISSING, every_page, failing
from tests.browser.person import DESKTOP, Person, Scheme, open_window
from tests.support.service import Service

pytestmark = [pytest.mark.services, pytest.mark.slow]

SERIOUS = {"serious", "critical"}


@pytest.fixture(scope="module")
def pages(seeded: Service) -> dict[str, str]:
    return every_page(seeded)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_serious_on_any_page(
    seeded: Service, browser: Browser, pages: dict[str, str], scheme: Scheme
) -> None:
    with open_window(browser, seeded.url, DESKTOP, scheme) as person:
        found = {"login": serious(person, "/admin/login/")}
        person.log_in("root")
        found |= {name: serious(person, path) for name, path in pages.items()}
        found["404"] = serious(person, MISSING, 404)
        with failing(seeded):
            found["500"] = serious(person, FAILING, 500)
    with open_window(browser, seeded.url, DESKTOP, scheme) as person:
        person.log_in("viewer")
        found["403"] = serious(person, FORBIDDEN, 403)
    assert {name: violations for name, violations in found.items() if violations} == {}


def serious(person: Person, path: str, status: int = 200) -> list[str]:
    """Return the serious violations that axe finds on a page."""
    assert person.visit(path) == status, path
    violations = Axe().run(person.page).response["violations"]
    return [told(one) for one in violations if one["impact"] in SERIOUS]


def told(violation: dict[str, object]) -> str:
    nodes = violation["nodes"]
    assert isinstance(nodes, list)
    return f"{violation['id']}: {[node['html'][:200] for node in nodes][:5]}"
