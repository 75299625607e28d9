"""What the README and docs/ say of the code is what the code says."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from mediapipe.failures import Absence, Failure, FinalFailure, LocalFailure, TransientFailure
from mediapipe.lifecycle.export import KEYS
from mediapipe.management.demo.apps import COLUMNS, by_sid
from mediapipe.management.demo.script import announced_media, steps
from mediapipe.models import Cause, NotFoundCause
from tests.support.configuration import settings_names

ROOT = Path(__file__).resolve().parent.parent.parent
README = (ROOT / "README.md").read_text()
DOCS = ROOT / "docs"
PAGES = [*sorted(ROOT.glob("*.md")), *sorted(DOCS.glob("*.md"))]
KINDS: dict[type, str] = {
    TransientFailure: "transient",
    LocalFailure: "local",
    FinalFailure: "final",
    Absence: "absent",
}


def rows(page: str) -> list[list[str]]:
    """Return the cells of every table row of a page in docs/ that begins with inline code."""
    lines = (line for line in (DOCS / page).read_text().splitlines() if line.startswith("| `"))
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]


def configuration() -> dict[str, tuple[str, str]]:
    """Return the default and the meaning of each variable in docs/configuration.md, by name."""
    return {
        name: (default, meaning)
        for names, default, meaning in rows("configuration.md")
        for name in re.findall(r"`([A-Z_]+)`", names)
    }


def anchors(page: Path) -> set[str]:
    """Return the anchors that GitHub generates from the page's headings."""
    headings = re.findall(r"^#+ (.+)$", page.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}


def test_the_failures_page_explains_each_failure_in_the_words_of_the_code() -> None:
    explained = {slug.strip("`"): tuple(cells) for slug, *cells in rows("failures.md")}
    assert explained == {
        failure.slug: (
            # The nearest base: a local failure is a transient failure too.
            next(KINDS[base] for base in failure.__mro__ if base in KINDS),
            failure.meaning(),
            failure.todo,
        )
        for failure in Failure.all()
    }


def test_the_escalation_page_explains_every_incident_in_the_words_of_the_code() -> None:
    page = (DOCS / "escalation.md").read_text()
    cells = {tuple(re.split(r" ?\| ?", line)[1:-1]) for line in page.splitlines() if "|" in line}
    assert {(cause.label, cause.meaning, cause.todo) for cause in Cause} - cells == set()


def test_the_escalation_page_lists_every_reason_for_a_404() -> None:
    page = (DOCS / "escalation.md").read_text()
    assert [because for because in NotFoundCause if f"| `{because}` |" not in page] == []


def test_every_variable_that_is_read_is_documented() -> None:
    assert settings_names() - configuration().keys() == set()


def test_a_variable_that_is_not_read_is_marked_as_reserved() -> None:
    reserved = {
        name for name, (_, meaning) in configuration().items() if meaning.startswith("reserved")
    }
    assert configuration().keys() - settings_names() == reserved


def test_the_configuration_page_and_the_example_file_give_the_same_defaults() -> None:
    example = (ROOT / ".env.example").read_text()
    shown = dict(re.findall(r"^#([A-Z_]+)=(.+)$", example, re.MULTILINE))
    assert {name: configuration()[name][0].strip("`") for name in shown} == shown


def test_the_tuning_page_names_only_settings_that_exist() -> None:
    named = set(re.findall(r"`([A-Z]+_[A-Z_]+)", (DOCS / "tuning.md").read_text()))
    assert named - configuration().keys() == set()


def test_the_retries_page_lists_the_keys_of_the_export_in_order() -> None:
    page = (DOCS / "retries.md").read_text()
    assert re.findall(r"\w+", page.split("```")[1]) == list(KEYS)


def test_the_readme_has_at_most_200_lines() -> None:
    assert len(README.splitlines()) <= 200


def test_the_index_lists_every_page() -> None:
    index = (DOCS / "README.md").read_text()
    pages = [page.name for page in DOCS.glob("*.md") if page.name != "README.md"]
    assert [name for name in pages if f"({name})" not in index] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_make_target_that_is_mentioned_exists(page: Path) -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    line = re.compile(r"(?:^    (?:[A-Z_]+=\S+ )?|`)make ([a-z -]+)", re.MULTILINE)
    lines = line.findall(page.read_text())
    assert {word for line in lines for word in line.split()} - targets == set()


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_link_leads_to_an_existing_file_and_heading(page: Path) -> None:
    for link in re.findall(r"\]\(([^)\s]+)\)", page.read_text()):
        path, _, anchor = link.partition("#")
        target = (page.parent / path) if path else page
        assert target.is_file(), link
        assert not anchor or anchor in anchors(target), link


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_management_command_that_is_mentioned_exists(page: Path) -> None:
    ours = {path.stem for path in (ROOT / "mediapipe/management/commands").glob("*.py")}
    django = {"check", "createsuperuser", "makemigrations", "migrate"}
    named = set(re.findall(r"manage\.py ([a-z_]+)", page.read_text()))
    assert named - ours - django == set()


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_page_writes_conversations_classic_for_the_older_twilio_product(page: Path) -> None:
    others = re.findall(r".*\bConversations\b(?!\s\(classic\)).*", page.read_text())
    assert [line for line in others if "**The new Conversations" not in line] == []


def test_the_flow_diagram_has_a_title_and_a_description_for_screen_readers() -> None:
    picture = (DOCS / "images" / "flow.svg").read_text()
    assert re.search(r"<title id=\"title\">.+</title>", picture)
    assert re.search(r"<desc id=\"desc\">.+</desc>", picture)


def test_the_demo_table_in_the_readme_has_the_figures_that_the_demo_prints() -> None:
    report = (ROOT / "mediapipe" / "management" / "demo" / "report.py").read_text()
    shown = dict(re.findall(r"^│ ([^│]+?) +│ ([^│]+?) +│$", README, re.MULTILINE))
    assert shown
    assert [figure for figure in shown if f'"{figure}"' not in report] == []
    sent = steps()
    forged = sum(step.signature != "right" for step in sent)
    media = len(announced_media(sent))
    # The other figures are delays, which differ from run to run.
    assert list(shown.values())[:4] == [
        f"{len(sent)} ({len(sent) - forged} accepted with 200)",
        f"{forged}",
        f"{media}",
        f"{media}",
    ]


def test_the_app_table_in_the_readme_matches_what_the_demo_sends() -> None:
    rows = [line.split("│")[1:-1] for line in README.splitlines() if line.count("│") == 6]
    header, *apps = [[cell.strip() for cell in row] for row in rows]
    assert header == list(COLUMNS)
    messages = by_sid(steps())
    media = sum(len(step.webhook.media) for step in messages.values())
    assert len(apps) == 2
    for _, received, fetched, _, lost in apps:
        assert (int(received), int(fetched) + int(lost)) == (len(messages), media)
