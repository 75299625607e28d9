from __future__ import annotations

import json
from io import StringIO
from pathlib import Path

import pytest
from celery.exceptions import NotRegistered
from celery.result import AsyncResult
from django.core.management import call_command
from django_celery_results.models import TaskResult

from mediapipe.celery import app
from mediapipe.management.doctor import workers
from mediapipe.management.doctor.checks import CHECKS, Check
from mediapipe.management.doctor.findings import Level
from mediapipe.management.doctor.issues import Issue
from mediapipe.management.doctor.route_issues import RouteIssue
from mediapipe.models import DoctorReport, Rejection, WebhookEvent
from mediapipe.settings.queues import QUEUES
from tests.support import make
from tests.support.commands import ROOT, manage
from tests.support.doctor import findings, names, output
from tests.support.doctor_world import Case, World
from tests.support.misconfigurations import CASES
from tests.support.misconfigured_urls import behind_proxy
from tests.support.reverse_proxy import with_host
from tests.support.tables import Table

pytestmark = pytest.mark.django_db(transaction=True)

DOCUMENT = (ROOT / "docs" / "doctor.md").read_text()
FOUND = Table("what the doctor found", ("misconfiguration", "part", "", "name"))


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.description)
def test_a_misconfiguration_is_found_and_named(world: World, case: Case) -> None:
    case.arrange(world)
    found = {finding.name: finding for finding in findings(case.part)}
    assert case.name in found
    finding = found[case.name]
    FOUND.add(
        case.description, case.part, f"{finding.level.mark} {finding.level.name.lower()}", case.name
    )
    assert finding.remedy
    assert str(finding).count("\n") == 0


@pytest.mark.parametrize("part", ["settings", "disk", "storage", "credentials"])
def test_a_correct_configuration_raises_no_issue(world: World, part: str) -> None:
    assert names(part) == []
    assert findings(part)


def test_a_signed_request_is_accepted_and_leaves_nothing_behind(world: World) -> None:
    # The URL leads to this machine only, hence the warning.
    assert names("public URL") == ["public_url_private"]
    assert findings("public URL")[-1].message == "signed requests are accepted"
    assert not WebhookEvent.objects.exists()
    assert not Rejection.objects.exists()


def test_a_proxy_that_replaces_the_host_does_not_affect_webhooks(world: World) -> None:
    behind_proxy(with_host("backend.internal"))(world)
    assert names("public URL") == ["public_url_private"]


def test_each_public_url_is_requested(world: World) -> None:
    world.settings.OTHER_BASE_URLS = ["http://127.0.0.1:1"]
    private = "public_url_private"
    assert names("public URL") == [private, private, "public_url_unreachable"]


def test_no_finding_shows_the_password_of_a_public_url(world: World) -> None:
    world.settings.PUBLIC_BASE_URL = world.web.replace("http://", "http://user:canary@")
    *_, last = findings("public URL")
    assert (last.level, last.where) == (Level.OK, world.web)


def test_a_check_that_is_skipped_is_reported_as_a_warning(world: World) -> None:
    world.settings.TWILIO_ACCOUNT_SID = world.settings.TWILIO_AUTH_TOKEN = ""
    (finding,) = findings("credentials")
    assert (finding.level, finding.name) == (Level.WARNING, "not_looked_at")


@pytest.mark.parametrize("part", ["numbers", "conversations"])
def test_a_check_that_needs_the_public_url_is_skipped_without_it(world: World, part: str) -> None:
    world.settings.PUBLIC_BASE_URL = ""
    (finding,) = findings(part)
    assert str(finding) == "Skipped: PUBLIC_BASE_URL is not set."
    assert finding.name == "not_looked_at"


def test_a_requested_part_that_is_skipped_does_not_pass(world: World) -> None:
    world.settings.PUBLIC_BASE_URL = ""
    out = StringIO()
    with pytest.raises(SystemExit, match="1"):
        call_command("doctor", "--only", "numbers", "--only", "disk", stdout=out)
    assert out.getvalue().endswith("1 warning, 0 errors\nNot checked: numbers\n")


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.name)
def test_no_part_shows_a_secret(world: World, check: Check) -> None:
    world.settings.TWILIO_AUTH_TOKEN = f"{make.TOKEN}-canary"
    world.broker("amqp://user:canary@127.0.0.1:1//")
    world.settings.PUBLIC_BASE_URL = "http://127.0.0.1:1"
    assert "canary" not in "".join(map(str, check.findings()))


def test_a_database_that_is_down_is_named_and_the_service_is_not_checked(tmp_path: Path) -> None:
    url = "postgres://user:canary@127.0.0.1:1/mediapipe"
    result = manage("doctor", "--json", "--only=database", data_dir=tmp_path, DATABASE_URL=url)
    (finding,) = json.loads(result.stdout)["findings"]
    assert (result.returncode, finding["name"]) == (1, "database_away")
    assert "canary" not in result.stdout + result.stderr
    result = manage("doctor", "--json", "--only=service", data_dir=tmp_path, DATABASE_URL=url)
    assert json.loads(result.stdout)["findings"][0]["name"] == "not_looked_at"


def test_missing_tables_lead_to_the_advice_to_migrate(tmp_path: Path) -> None:
    result = manage("doctor", "--only=database", data_dir=tmp_path)
    assert result.returncode == 1
    assert "Run manage.py migrate." in result.stdout


def test_a_line_has_mark_level_and_check_and_no_colour_without_a_terminal(world: World) -> None:
    line, total, _ = output("--only=storage").split("\n")
    assert line.startswith(
        "✓ ok      storage       A file was written, read and deleted (MEDIA_ROOT"
    )
    assert total == "1 ok, 0 warnings, 0 errors"


def test_each_part_keeps_the_findings_of_its_last_run(world: World) -> None:
    world.settings.TIME_ZONE = "Etc/GMT-1"
    output("--only=settings", "--only=storage")
    world.settings.TIME_ZONE = "Europe/Berlin"
    output("--only=settings")
    reports = {report.part: report for report in DoctorReport.objects.all()}
    assert reports.keys() == {"settings", "storage"}
    assert reports["settings"].at > reports["storage"].at
    assert all(finding["state"] == "ok" for finding in reports["settings"].findings)


def test_a_terminal_that_cannot_show_the_marks_still_shows_the_level(tmp_path: Path) -> None:
    result = manage("doctor", "--only=storage", data_dir=tmp_path, PYTHONIOENCODING="ascii")
    assert result.stdout.startswith("? ok      storage       A file was written"), result.stderr


def test_scripts_get_an_exit_status_and_json(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    world.settings.TIME_ZONE = "Etc/GMT-1"
    assert output("--only=settings")
    with pytest.raises(SystemExit) as ended:
        call_command("doctor", "--only=settings", "--strict", "--json")
    document = json.loads(capsys.readouterr().out)
    assert (ended.value.code, document["well"]) == (1, False)
    assert document["findings"][-1] == {
        "part": "settings",
        "state": "look",
        "name": "time_zone_fixed",
        "what": Issue.TIME_ZONE_FIXED.meaning,
        "where": "Etc/GMT-1",
        "todo": Issue.TIME_ZONE_FIXED.remedy,
    }


def test_a_worker_of_an_older_version_is_named(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    def report_unregistered_task(queue: str, file: str) -> AsyncResult[None]:
        # A worker stores this result for a task that it does not know.
        app.backend.mark_as_failure(queue, NotRegistered("tasks.examine.examine"))
        return AsyncResult(queue, app=app)

    unanswered_task = next(case for case in CASES if case.name == "task_unanswered")
    unanswered_task.arrange(world)
    monkeypatch.setattr(workers, "_publish", report_unregistered_task)
    assert names("service") == ["worker_outdated"] * len(QUEUES)


def table(heading: str) -> list[list[str]]:
    """Return the body rows of the table in this section of docs/doctor.md."""
    section = DOCUMENT.split(f"\n## {heading}\n")[1].split("\n## ")[0]
    rows = [line.strip("|").split(" | ") for line in section.splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in row] for row in rows[2:]]


def test_the_doctor_page_lists_every_issue_in_the_words_of_the_code() -> None:
    assert table("Findings") == [
        [f"`{issue.name.lower()}`", issue.level.mark, issue.meaning, issue.remedy]
        for issue in (*Issue, *RouteIssue)
    ]


def test_the_doctor_page_lists_every_tested_misconfiguration() -> None:
    assert table("Tested misconfigurations") == [
        [case.description, case.part, f"`{case.name}`"] for case in CASES
    ]
    assert len({case.name for case in CASES}) >= 20


def test_a_round_trip_without_an_answer_leaves_nothing_behind(world: World) -> None:
    names_before = set(TaskResult.objects.values_list("task_id", flat=True))
    unanswered_task = next(case for case in CASES if case.name == "task_unanswered")
    unanswered_task.arrange(world)
    assert "task_unanswered" in names("service")
    assert set(TaskResult.objects.values_list("task_id", flat=True)) == names_before
    assert not list(Path(world.settings.MEDIA_ROOT).rglob("*.txt"))
