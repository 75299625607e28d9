from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import ExitStack
from io import StringIO
from pathlib import Path

import pytest
from celery.exceptions import NotRegistered
from celery.result import AsyncResult
from django.core.management import call_command
from django_celery_results.models import TaskResult
from pytest_django import Settings
from pytest_django.live_server_helper import LiveServer

from mediapipe.celery import app
from mediapipe.management.doctor import workers
from mediapipe.management.doctor.checks import CHECKS, Check
from mediapipe.management.doctor.findings import Finding, Level
from mediapipe.management.doctor.issues import Issue
from mediapipe.models import Rejection, WebhookEvent
from mediapipe.settings.queues import QUEUES
from mediapipe.simulator import Simulator, resources
from mediapipe.simulator.numbers import ChannelSender
from tests.support import make
from tests.support.commands import ROOT, manage
from tests.support.misconfigurations import (
    CASES,
    CONVERSATIONS,
    HERE,
    REPEATED,
    Case,
    World,
    behind,
)
from tests.support.reverse_proxy import with_host
from tests.support.tables import Table

pytestmark = pytest.mark.django_db(transaction=True)

DOCUMENT = (ROOT / "docs" / "doctor.md").read_text()
FOUND = Table("what the doctor found", ("misconfiguration", "part", "", "name"))
BY_NAME = {check.name: check for check in CHECKS}


@pytest.fixture
def world(
    settings: Settings,
    monkeypatch: pytest.MonkeyPatch,
    twilio: Simulator,
    live_server: LiveServer,
    tmp_path: Path,
) -> Iterator[World]:
    """Set up a service without any misconfiguration."""
    settings.PUBLIC_BASE_URL = live_server.url
    settings.ALLOWED_HOSTS = ["localhost", "127.0.0.1"]
    # Private, while a checkout's own folder may be older than our umask.
    settings.DATA_DIR = tmp_path / "data"
    settings.DATA_DIR.mkdir(mode=0o700)
    with ExitStack() as stack:
        yield World(settings, monkeypatch, twilio, live_server.url, tmp_path, stack)


def found_in(part: str) -> list[Finding]:
    return list(BY_NAME[part].findings())


def names(part: str) -> list[str]:
    """Return the names of the warnings and errors."""
    return [finding.name for finding in found_in(part) if finding.level is not Level.OK]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.story)
def test_a_misconfiguration_is_found_and_named(world: World, case: Case) -> None:
    case.arrange(world)
    found = {finding.name: finding for finding in found_in(case.part)}
    assert case.name in found
    finding = found[case.name]
    FOUND.add(
        case.story, case.part, f"{finding.level.mark} {finding.level.name.lower()}", case.name
    )
    assert finding.remedy
    assert str(finding).count("\n") == 0


@pytest.mark.parametrize("part", ["settings", "disk", "storage", "credentials"])
def test_a_right_configuration_raises_no_issue(world: World, part: str) -> None:
    assert names(part) == []
    assert found_in(part)


def test_a_signed_request_is_accepted_and_leaves_nothing_behind(world: World) -> None:
    # It is only on this machine.
    assert names("public URL") == ["public_url_private"]
    assert found_in("public URL")[-1].message == "signed requests are accepted"
    assert not WebhookEvent.objects.exists()
    assert not Rejection.objects.exists()


def test_a_proxy_that_replaces_the_host_does_not_matter_to_webhooks(world: World) -> None:
    behind(with_host("backend.internal"))(world)
    assert names("public URL") == ["public_url_private"]


def test_each_public_url_is_requested(world: World) -> None:
    world.settings.OTHER_BASE_URLS = ["http://127.0.0.1:1"]
    private = "public_url_private"
    assert names("public URL") == [private, private, "public_url_unreachable"]


def test_no_finding_shows_the_password_of_a_public_url(world: World) -> None:
    world.settings.PUBLIC_BASE_URL = world.web.replace("http://", "http://user:canary@")
    *_, last = found_in("public URL")
    assert (last.level, last.where) == (Level.OK, world.web)


@pytest.mark.parametrize("name", ["OTHER_BASE_URLS", "HTTPS_ORIGINS"])
def test_a_number_at_another_of_our_origins_leads_here(world: World, name: str) -> None:
    setattr(world.settings, name, ["https://old.example.com"])
    here = f"https://old.example.com{HERE}"
    world.number(f"{here}{REPEATED}", fallback=here)
    (finding,) = found_in("numbers")
    assert (finding.level, finding.message) == (Level.OK, "messages are sent here")


def test_a_number_that_leads_here_is_fine_and_masked(world: World) -> None:
    world.number(world.here, fallback=world.web + HERE)
    (finding,) = found_in("numbers")
    assert (finding.level, finding.message) == (Level.OK, "messages are sent here")
    assert "77" in finding.where
    assert "5550000077" not in finding.where


def test_numbers_of_another_app_are_no_issue(world: World) -> None:
    world.number(world.here, fallback=world.web + HERE)
    world.number("https://else.example/sms")
    assert names("numbers") == []


def test_more_numbers_than_fit_into_a_page_are_checked(world: World) -> None:
    for _ in range(60):
        world.number("https://else.example/sms")
    world.number(world.web + HERE, fallback=world.web + HERE)
    assert names("numbers") == ["webhook_not_repeated"]


def test_only_some_pages_are_requested_from_twilio(world: World) -> None:
    for _ in range(300):
        world.number("https://else.example/sms")
    assert names("numbers") == ["webhook_elsewhere"]
    asked = [e for e in world.twilio.log.all() if e.path.endswith("IncomingPhoneNumbers.json")]
    assert len(asked) == 4


def test_a_whatsapp_sender_that_leads_here_is_enough(world: World) -> None:
    sender = ChannelSender(
        callback_url=world.here, fallback_url=world.web + HERE, account_sid=make.ACCOUNT
    )
    world.twilio.state.senders.append(sender)
    (finding,) = found_in("numbers")
    assert finding.level is Level.OK
    assert finding.where.endswith(f": whatsapp +•••••••••66 {sender.sid[-6:]}")


def test_numbers_are_reported_although_senders_may_not_be_listed(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(resources, "CHANNEL_SENDERS", "nowhere")
    world.number(world.here, fallback=world.web + HERE)
    unreadable, here = found_in("numbers")
    assert (unreadable.name, here.message) == ("senders_unreadable", "messages are sent here")


def test_an_account_without_a_conversations_webhook_is_fine(world: World) -> None:
    (finding,) = found_in("conversations")
    assert (finding.level, finding.where) == (Level.OK, make.ACCOUNT)
    assert "fine if not used" in finding.message


@pytest.mark.parametrize("service_sid", ["", "IS" + "e5" * 16], ids=["account", "service"])
def test_a_conversations_webhook_that_points_here_is_fine(world: World, service_sid: str) -> None:
    world.conversations(world.web + CONVERSATIONS, service_sid=service_sid)
    (finding,) = found_in("conversations")
    assert (finding.level, finding.message) == (
        Level.OK,
        "the webhook of Conversations (classic) points here",
    )
    assert finding.where.endswith(service_sid)


def test_a_webhook_with_the_target_flex_is_not_ours(world: World) -> None:
    world.conversations(world.web + HERE, target="flex")
    assert names("conversations") == []


def test_a_service_without_its_own_webhook_uses_that_of_the_account(world: World) -> None:
    world.conversations(world.web + CONVERSATIONS)
    world.conversations(None, service_sid="IS" + "e5" * 16)
    assert names("conversations") == []


def test_a_standard_key_is_accepted_although_it_may_not_read_the_account(world: World) -> None:
    key = make.sid("SK")
    world.twilio.state.api_keys[key] = ("secret", make.ACCOUNT)
    world.settings.TWILIO_API_KEY, world.settings.TWILIO_API_SECRET = key, "secret"
    assert names("credentials") == []


def test_a_check_that_is_skipped_says_why(world: World) -> None:
    world.settings.TWILIO_ACCOUNT_SID = world.settings.TWILIO_AUTH_TOKEN = ""
    (finding,) = found_in("credentials")
    assert (finding.level, finding.name) == (Level.WARNING, "not_looked_at")


@pytest.mark.parametrize("part", ["numbers", "conversations"])
def test_what_needs_the_public_url_is_skipped_without_it(world: World, part: str) -> None:
    world.settings.PUBLIC_BASE_URL = ""
    (finding,) = found_in(part)
    assert str(finding) == "Skipped: PUBLIC_BASE_URL is not set."
    assert finding.name == "not_looked_at"


def test_a_part_that_was_asked_for_and_skipped_does_not_pass(world: World) -> None:
    world.settings.PUBLIC_BASE_URL = ""
    out = StringIO()
    with pytest.raises(SystemExit, match="1"):
        call_command("doctor", "--only", "numbers", "--only", "disk", stdout=out)
    assert out.getvalue().endswith("1 warnings, 0 errors\nNot checked: numbers\n")


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.name)
def test_no_part_shows_a_secret(world: World, check: Check) -> None:
    world.settings.TWILIO_AUTH_TOKEN = f"{make.TOKEN}-canary"
    world.broker("amqp://user:canary@127.0.0.1:1//")
    world.settings.PUBLIC_BASE_URL = "http://127.0.0.1:1"
    assert "canary" not in "".join(map(str, check.findings()))


def test_a_database_that_is_down_is_named_and_the_service_not_checked(tmp_path: Path) -> None:
    url = "postgres://user:canary@127.0.0.1:1/mediapipe"
    said = manage("doctor", "--json", "--only=database", data_dir=tmp_path, DATABASE_URL=url)
    (finding,) = json.loads(said.stdout)["findings"]
    assert (said.returncode, finding["name"]) == (1, "database_away")
    assert "canary" not in said.stdout + said.stderr
    said = manage("doctor", "--json", "--only=service", data_dir=tmp_path, DATABASE_URL=url)
    assert json.loads(said.stdout)["findings"][0]["name"] == "not_looked_at"


def test_tables_that_are_missing_are_named(tmp_path: Path) -> None:
    said = manage("doctor", "--only=database", data_dir=tmp_path)
    assert said.returncode == 1
    assert "Run manage.py migrate." in said.stdout


def test_a_line_has_mark_level_and_check_and_no_colour_without_a_terminal(world: World) -> None:
    line, total, _ = output("--only=storage").split("\n")
    assert line.startswith(
        "✓ ok      storage       A file was written, read and deleted (MEDIA_ROOT"
    )
    assert total == "1 ok, 0 warnings, 0 errors"


def test_a_terminal_without_the_marks_still_shows_the_level(tmp_path: Path) -> None:
    said = manage("doctor", "--only=storage", data_dir=tmp_path, PYTHONIOENCODING="ascii")
    assert said.stdout.startswith("? ok      storage       A file was written"), said.stderr


def test_scripts_get_exit_status_and_json(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    world.settings.TIME_ZONE = "Etc/GMT-1"
    assert output("--only=settings")
    with pytest.raises(SystemExit) as ended:
        call_command("doctor", "--only=settings", "--strict", "--json")
    said = json.loads(capsys.readouterr().out)
    assert (ended.value.code, said["well"]) == (1, False)
    assert said["findings"][-1] == {
        "part": "settings",
        "state": "look",
        "name": "time_zone_fixed",
        "what": Issue.TIME_ZONE_FIXED.meaning,
        "where": "Etc/GMT-1",
        "todo": Issue.TIME_ZONE_FIXED.remedy,
    }


def output(*arguments: str) -> str:
    """Return what the command prints; it must find no error."""
    file = StringIO()
    call_command("doctor", *arguments, stdout=file)
    return file.getvalue()


def test_a_worker_of_an_older_version_is_named(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    def put_down(queue: str, file: str) -> AsyncResult[None]:
        # What a worker stores for a task that it does not know.
        app.backend.mark_as_failure(queue, NotRegistered("tasks.examine.examine"))
        return AsyncResult(queue, app=app)

    deaf = next(case for case in CASES if case.name == "task_unanswered")
    deaf.arrange(world)
    monkeypatch.setattr(workers, "_publish", put_down)
    assert names("service") == ["worker_outdated"] * len(QUEUES)


def table(heading: str) -> list[list[str]]:
    """Return the rows of the table in this section of docs/doctor.md, without its head."""
    section = DOCUMENT.split(f"\n## {heading}\n")[1].split("\n## ")[0]
    rows = [line.strip("|").split(" | ") for line in section.splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in row] for row in rows[2:]]


def test_the_page_lists_every_issue_in_the_words_of_the_code() -> None:
    assert table("Findings") == [
        [f"`{issue.name.lower()}`", issue.level.mark, issue.meaning, issue.remedy]
        for issue in Issue
    ]


def test_the_page_lists_every_misconfiguration_that_is_set_up_here() -> None:
    assert table("Tested misconfigurations") == [
        [case.story, case.part, f"`{case.name}`"] for case in CASES
    ]
    assert len({case.name for case in CASES}) >= 20


def test_the_round_trip_leaves_nothing_behind(world: World) -> None:
    names_before = set(TaskResult.objects.values_list("task_id", flat=True))
    deaf = next(case for case in CASES if case.name == "task_unanswered")
    deaf.arrange(world)
    assert "task_unanswered" in names("service")
    assert set(TaskResult.objects.values_list("task_id", flat=True)) == names_before
    assert not list(Path(world.settings.MEDIA_ROOT).rglob("*.txt"))
