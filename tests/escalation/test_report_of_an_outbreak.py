"""The package of an outbreak, run through the real service, against the simulator's own log."""

from __future__ import annotations

import csv
import io
import json
import re
import subprocess
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zipfile import ZipFile
from zoneinfo import ZoneInfo

import pytest

from mediapipe.simulator import faults, payloads
from mediapipe.simulator.log import LoggedRequest
from mediapipe.simulator.payloads import Webhook
from mediapipe.simulator.script import MediaScript
from mediapipe.simulator.state import State
from tests.support.service import Service, running

pytestmark = pytest.mark.services

BERLIN = ZoneInfo("Europe/Berlin")
# One for each input that a package must not disclose.
CANARIES = {
    "Body": "canary body text",
    "From": "+15550197731",
    "To": "+15550197732",
    "ProfileName": "Canary Profile",
    "FromCity": "CANARYVILLE",
}
# How far the start of an attempt and its arrival at the simulator may be apart.
TOLERANCE = timedelta(seconds=1.5)
Row = dict[str, Any]


@dataclass(frozen=True)
class Package:
    """What the command wrote, and what it is compared with."""

    files: dict[str, bytes]
    late: list[tuple[Webhook, MediaScript]]
    service: Service

    def text(self, name: str) -> str:
        return self.files[name].decode()

    def lines(self) -> dict[str, Row]:
        """Return the lines of media.jsonl by media or recording SID."""
        lines = map(json.loads, self.text("media.jsonl").splitlines())
        return {line["media_sid"] or line["recording_sid"]: line for line in lines}

    def table(self) -> list[dict[str, str]]:
        return list(csv.DictReader(io.StringIO(self.text("media.csv"), newline="")))


def webhooks() -> list[tuple[bool, Webhook]]:
    """Return the webhooks of the outbreak, each with whether its media is late."""
    late = [payloads.mms(2, delay_s=1.2), payloads.mms(1, delay_s=2.0)]
    late += [payloads.whatsapp(delay_s=0.8), payloads.recording_status(delay_s=1.5)]
    # Its media never comes: the item still waits when the package is made.
    late += [payloads.mms(1, faults=[faults.Status(404, forever=True)])]
    return [*((True, webhook) for webhook in late), *((False, payloads.mms(1)) for _ in range(7))]


@pytest.fixture(scope="module")
def package(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Package]:
    """Run an outbreak, and make its package."""
    schedule = {"RETRY_FIRST_DELAY": "0.4s", "RETRY_FACTOR": "1.5", "RETRY_FAST_WINDOW": "4s"}
    folder = tmp_path_factory.mktemp("outbreak")
    with running(folder / "data", **schedule, RETRY_SLOW_SCHEDULE="1h") as service:
        late = []
        since = datetime.now(UTC)
        for is_late, webhook in webhooks():
            values = {name: value for name, value in CANARIES.items() if name in webhook.form()}
            sent = webhook.changed(**values)
            assert service.twilio.send(sent) == 200
            late += [(sent, script) for script in sent.media if is_late]
        service.wait_until_settled(13, timeout_s=8)
        output = service.manage(
            "escalation_report",
            "--since",
            since.isoformat(),
            "--tz",
            BERLIN.key,
            "--output",
            str(folder / "out"),
        )
        with ZipFile(output.strip()) as zipped:
            files = {Path(name).name: zipped.read(name) for name in zipped.namelist()}
        yield Package(files, late, service)


def requests_of(package: Package, script: MediaScript) -> list[LoggedRequest]:
    """Return the requests for the bytes of a media item at the API, not for its metadata."""
    requests = package.service.twilio.log.of(script.sid, "api")
    return [entry for entry in requests if not entry.path.endswith(".json")]


def served(package: Package, script: MediaScript) -> list[LoggedRequest]:
    """Return the requests that got the bytes, from the API or the CDN."""
    answers = package.service.twilio.log.of(script.sid)
    return [e for e in answers if e.status == 200 and not e.path.endswith(".json")]


def test_the_package_contains_the_message_csv_json_lines_and_chart(package: Package) -> None:
    assert set(package.files) == {"message.txt", "media.csv", "media.jsonl", "timing.svg"}
    assert package.files["timing.svg"].startswith(b"<svg ")


def test_the_package_lists_exactly_the_late_media(package: Package) -> None:
    assert set(package.lines()) == {script.sid for _, script in package.late}


def test_every_sid_and_url_matches_the_simulator(package: Package) -> None:
    lines = package.lines()
    for _, script in package.late:
        line = lines[script.sid]
        assert line["media_url"] == script.url
        assert line["account_sid"] == script.account_sid
        parent, own = ("call", "recording") if script.is_recording else ("message", "media")
        sids = {f"{parent}_sid": script.parent_sid, f"{own}_sid": script.sid}
        keys = ("message_sid", "call_sid", "recording_sid", "media_sid")
        assert {key: line[key] for key in keys if line[key]} == sids
        assert line["home_region"] == "us1"


def test_every_404_matches_an_entry_in_the_simulators_log(package: Package) -> None:
    lines = package.lines()
    for _, script in package.late:
        line, requests = lines[script.sid], requests_of(package, script)
        refused = [entry for entry in requests if entry.status == 404]
        assert line["not_found_count"] == len(refused) > 0
        assert line["not_found_request_ids"] == [entry.request_id for entry in refused]
        assert line["attempts"] == len(requests)
        assert line["twilio_code"] == 20404
        for at, entry in zip(line["not_found_at"], refused, strict=True):
            assert is_near(at, entry.at)


def test_receipt_first_attempt_and_success_match_the_simulators_log(package: Package) -> None:
    deliveries = package.service.twilio.deliveries()
    sent = {script.sid: delivery for delivery in deliveries for script in delivery.webhook.media}
    lines = package.lines()
    for _, script in package.late:
        line, requests = lines[script.sid], requests_of(package, script)
        received_at = datetime.fromisoformat(line["webhook_received_at"])
        delivery = sent[script.sid]
        answered_at = delivery.sent_at + timedelta(seconds=delivery.took_s)
        assert delivery.sent_at <= received_at <= answered_at
        assert is_near(line["first_attempt_at"], requests[0].at)
        answers = served(package, script)
        assert bool(line["retrieved_at"]) == bool(answers)
        if answers:
            assert is_near(line["retrieved_at"], answers[-1].at)
            assert line["last_request_id"] == requests[-1].request_id
            assert (line["http_status"], line["status"]) == (200, "stored")
        else:
            assert (line["http_status"], line["status"]) == (404, "retrying")


def test_the_true_delay_is_within_the_reported_bounds(package: Package) -> None:
    lines = package.lines()
    for _, script in package.late:
        line = lines[script.sid]
        if line["retrieved_at"]:
            assert script.available_at is not None
            received_at = datetime.fromisoformat(line["webhook_received_at"])
            true_s = (script.available_at - received_at).total_seconds()
            assert line["delay_at_least_s"] - 0.05 <= true_s <= line["delay_at_most_s"] + 0.05


def test_local_times_equal_the_utc_times_with_the_offset_of_the_zone(package: Package) -> None:
    for line in package.lines().values():
        for key in ("webhook_received_at", "first_attempt_at", "retrieved_at"):
            if line[key]:
                assert_same_moment(line[key], line[f"{key}_local"])
        for in_utc, local in zip(line["not_found_at"], line["not_found_at_local"], strict=True):
            assert_same_moment(in_utc, local)


def test_csv_and_json_lines_contain_the_same_values(package: Package) -> None:
    lines = package.lines()
    assert len(package.table()) == len(lines)
    for row in package.table():
        line = lines[row["media_sid"] or row["recording_sid"]]
        assert list(row) == list(line)
        for key, value in line.items():
            flat = " ".join(value) if isinstance(value, list) else value
            assert row[key] == ("" if flat is None else str(flat))


def test_no_csv_cell_begins_like_a_formula(package: Package) -> None:
    cells = [cell for row in package.table() for cell in row.values()]
    assert [cell for cell in cells if cell.lstrip().startswith(("=", "+", "-", "@"))] == []


def test_the_counts_in_the_message_match_the_simulator(package: Package) -> None:
    message = package.text("message.txt")
    answers = [entry for _, script in package.late for entry in requests_of(package, script)]
    refused = [entry for entry in answers if entry.status == 404]
    total = sum(len(webhook.media) for _, webhook in webhooks())
    affected = len(package.late)
    assert f"Affected: {affected} of {total} ({affected / total:.1%}) media" in message
    assert f"404 responses in total: {len(refused)}." in message
    retrieved = sum(bool(served(package, script)) for _, script in package.late)
    assert (
        f"{retrieved} of the {affected} were eventually retrieved; 1 are still missing" in message
    )
    assert f"  us1  {affected} of {total}" in message
    assert f"{len(refused)} of the {len(refused)} 404 responses came from the API itself" in message
    assert "Requests in the period that returned 401 or 403: none." in message
    hours = Counter(
        datetime.fromisoformat(line["webhook_received_at_local"]).strftime("%Y-%m-%dT%H:00")
        for line in package.lines().values()
    )
    for hour, count in hours.items():
        assert any(hour in line and f"{count} of" in line for line in message.splitlines())


def test_the_message_counts_other_media_fetched_in_the_minutes_of_the_404s(
    package: Package,
) -> None:
    log = package.service.twilio.log
    late = {script.sid for _, script in package.late}
    minutes = {minute(e) for e in log.all() if e.sid in late and e.status == 404}
    others = {e.sid for e in log.all() if e.sid not in late and minute(e) in minutes}
    # An attempt begins milliseconds before the simulator sees it, perhaps in the minute before.
    reported_count = int(package.text("message.txt").split("credentials fetched ")[1].split()[0])
    assert reported_count == pytest.approx(len(others), abs=1)
    assert reported_count > 0


def test_no_file_contains_secrets_texts_or_phone_numbers(package: Package) -> None:
    twilio = package.service.twilio
    secrets = [*CANARIES.values(), "15550197731", "15550197732", "Signature", "Expires="]
    secrets += [*twilio.state.accounts.values(), "Key-Pair-Id", "KSIMULATED"]
    secrets += [script.cdn_path for script in twilio.state.media()]
    assert isinstance(twilio.state, State)
    for name, content in package.files.items():
        found = [secret for secret in secrets if secret.encode() in content]
        assert found == [], name
        # The last digits on their own; within a SID or a time they are a coincidence.
        assert not re.search(rb"(?<![0-9a-f.])7731(?![0-9a-f])", content), name


def test_a_period_without_late_media_is_refused_with_an_explanation(
    package: Package, tmp_path: Path
) -> None:
    period = ("--since", "2001-01-01", "--until", "2001-01-02")
    with pytest.raises(subprocess.CalledProcessError) as failed:
        package.service.manage("escalation_report", *period, "--output", str(tmp_path))
    assert "there is nothing to report" in failed.value.stderr
    assert list(tmp_path.iterdir()) == []


def is_near(text: str, moment: datetime) -> bool:
    return abs(datetime.fromisoformat(text) - moment) < TOLERANCE


def assert_same_moment(in_utc: str, local: str) -> None:
    moment = datetime.fromisoformat(local)
    assert datetime.fromisoformat(in_utc) == moment
    assert datetime.fromisoformat(in_utc).utcoffset() == timedelta(0)
    assert moment.utcoffset() == moment.astimezone(BERLIN).utcoffset()


def minute(entry: LoggedRequest) -> datetime:
    return entry.at.replace(second=0, microsecond=0)
