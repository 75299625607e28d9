"""The package for Twilio Support: what it contains, how it is described, what it never contains."""

from __future__ import annotations

import csv
import io
import json
from datetime import UTC, datetime
from functools import partial
from zipfile import ZipFile
from zoneinfo import ZoneInfo

import pytest
from django.db import connection
from pytest_django import DjangoAssertNumQueries, Settings

from mediapipe.escalation.report.case import Case, NothingToReport, build_case
from mediapipe.escalation.report.package import package_name, write_package
from mediapipe.escalation.report.rows import KEYS, iter_rows, row_for_csv
from mediapipe.models import MediaItem
from mediapipe.models.chunks import in_chunks
from tests.support import early_404s, make
from tests.support.report import HOUR, MINUTE, NOON, case, found, outbreak, text

pytestmark = [pytest.mark.django_db, pytest.mark.database]

BERLIN = ZoneInfo("Europe/Berlin")
# Other programs read these keys, so the test does not take them from the code.
WRITTEN_KEYS = [
    "media_url",
    "kind",
    "account_sid",
    "message_sid",
    "call_sid",
    "recording_sid",
    "media_sid",
    "home_region",
    "webhook_received_at",
    "webhook_received_at_local",
    "first_attempt_at",
    "first_attempt_at_local",
    "not_found_at",
    "not_found_at_local",
    "retrieved_at",
    "retrieved_at_local",
    "status",
    "not_found_because",
    "attempts",
    "not_found_count",
    "delay_at_least_s",
    "delay_at_most_s",
    "http_status",
    "twilio_code",
    "not_found_request_ids",
    "last_request_id",
]


def files(of: Case) -> dict[str, bytes]:
    output = io.BytesIO()
    write_package(of, output)
    with ZipFile(output) as package:
        assert package.testzip() is None
        return {name: package.read(name) for name in package.namelist()}


def test_the_zip_has_its_four_files_in_a_folder_named_after_the_case() -> None:
    outbreak()
    folder = "twilio-early-404s-20260302T1200Z"
    names = {"message.txt", "media.csv", "media.jsonl", "timing.svg"}
    assert set(files(case())) == {f"{folder}/{name}" for name in names}
    assert package_name(case()) == folder


def test_the_keys_are_fixed() -> None:
    outbreak()
    assert list(KEYS) == WRITTEN_KEYS
    assert list(next(iter_rows(case()))) == WRITTEN_KEYS


def test_only_what_was_early_is_in_it_and_counted_against_everything() -> None:
    late = outbreak()[:3]
    assert [row["media_sid"] for row in iter_rows(case())] == [item.media_sid for item in late]
    seen = found(since=NOON - HOUR, until=NOON + 2 * HOUR)
    assert (seen.affected, seen.total, seen.retrieved, seen.not_found) == (3, 5, 2, 6)


def test_without_a_period_it_is_the_whole_hours_of_the_affected() -> None:
    outbreak()
    assert (case().since, case().until) == (NOON - 10 * MINUTE, NOON + 50 * MINUTE)
    assert found().total == 4


def test_media_without_an_early_404_is_no_case() -> None:
    early_404s.media(NOON, found_s=0.2)
    with pytest.raises(NothingToReport, match="None of the chosen media items"):
        case()


def test_404s_with_another_reason_are_left_out_and_counted() -> None:
    outbreak()
    deleted = early_404s.media(NOON, not_found_s=[0.1], not_found_because="deleted")
    assert deleted.media_sid not in {row["media_sid"] for row in iter_rows(case())}
    assert (found().affected, case().left_out) == (3, 1)
    assert "1 more" in text()
    with pytest.raises(NothingToReport, match="another cause"):
        build_case(MediaItem.objects.filter(pk=deleted.pk))


def test_what_was_taken_for_deleted_and_came_after_all_is_in_it() -> None:
    item = early_404s.media(NOON, not_found_s=[0.1], found_s=9, not_found_because="deleted")
    assert [row["media_sid"] for row in iter_rows(case())] == [item.media_sid]


def test_a_recording_has_its_call_and_its_own_sid() -> None:
    inbound = make.recording()
    early_404s.media(NOON, not_found_s=[0.1], inbound=inbound)
    (row,) = iter_rows(case())
    assert (row["call_sid"], row["recording_sid"]) == (inbound.call_sid, inbound.subject_sid)
    assert (row["message_sid"], row["media_sid"]) == (None, None)


def test_times_have_the_offset_that_was_in_force() -> None:
    # Clocks in Berlin go forward on 2026-03-29 at 01:00 UTC, and back on 2026-10-25.
    for at in (datetime(2026, 3, 29, 0, 59, 59, tzinfo=UTC), datetime(2026, 3, 29, 1, tzinfo=UTC)):
        early_404s.media(at, not_found_s=[0.5], found_s=2)
    before, after = iter_rows(case(zone=BERLIN))
    assert before["webhook_received_at_local"] == "2026-03-29T01:59:59.000000+01:00"
    assert before["not_found_at_local"] == ["2026-03-29T01:59:59.500000+01:00"]
    assert before["retrieved_at_local"] == "2026-03-29T03:00:01.300000+02:00"
    assert after["webhook_received_at_local"] == "2026-03-29T03:00:00.000000+02:00"
    assert after["webhook_received_at"] == "2026-03-29T01:00:00.000000+00:00"


def test_the_hour_that_comes_twice_is_two_hours() -> None:
    for hour in (0, 1):
        early_404s.media(datetime(2026, 10, 25, hour, 30, tzinfo=UTC), not_found_s=[0.5], found_s=2)
    message = text(zone=BERLIN)
    assert "  2026-10-25T02:00+02:00  1 of 1" in message
    assert "  2026-10-25T02:00+01:00  1 of 1" in message


def test_many_hours_are_told_by_day() -> None:
    for hour in range(60):
        early_404s.media(NOON + hour * HOUR, not_found_s=[0.5], found_s=2)
    message = text(zone=BERLIN)
    assert "By day of the webhook in Europe/Berlin" in message
    assert "  2026-03-03  24 of 24" in message


def test_each_404_has_its_time_and_its_request_id() -> None:
    item, *_ = outbreak()
    row = next(iter_rows(case()))
    assert row["not_found_request_ids"] == [f"RQ{item.pk:04}0001", f"RQ{item.pk:04}0002"]
    assert [at[-21:-6] for at in row["not_found_at"]] == ["12:10:00.100000", "12:10:01.200000"]
    assert row["last_request_id"] == f"RQ{item.pk:04}0003"


def test_the_csv_has_the_same_on_one_line() -> None:
    outbreak()
    written = files(case())
    lines = [
        json.loads(line) for line in written[f"{package_name(case())}/media.jsonl"].splitlines()
    ]
    table = csv.DictReader(io.StringIO(written[f"{package_name(case())}/media.csv"].decode()))
    assert [row["not_found_at"].split(" ") for row in table] == [
        line["not_found_at"] for line in lines
    ]


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r", "\n", " =", "\uff1d", "\uff0b"])
def test_a_request_id_that_is_a_formula_stays_a_text(start: str) -> None:
    formula = f"{start}1+1"
    item = early_404s.media(NOON, not_found_s=[0.1])
    item.attempt_set.update(twilio_request_id=formula)
    line = row_for_csv(next(iter_rows(case())))
    assert line["not_found_request_ids"] == f"'{formula}"
    assert line["not_found_count"] == 1


def test_numbers_texts_and_tokens_are_in_no_file(settings: Settings) -> None:
    settings.TWILIO_AUTH_TOKEN = "canary token"
    inbound = make.message(
        sender="+15550197731",
        recipient="whatsapp:+15550197732",
        parameters=(("Body", "canary text"), ("ProfileName", "Canary Name")),
    )
    early_404s.media(NOON, not_found_s=[0.1], found_s=2, inbound=inbound, detail="canary detail")
    everything = b"".join(files(case()).values())
    for secret in (b"5550197731", b"5550197732", b"anary"):
        assert secret not in everything


def test_a_large_selection_is_read_in_parts(
    django_assert_num_queries: DjangoAssertNumQueries, monkeypatch: pytest.MonkeyPatch
) -> None:
    for place in range(5):
        early_404s.media(NOON + place * MINUTE, not_found_s=[0.1], found_s=2)
    in_pairs = partial(in_chunks, size=2)
    monkeypatch.setattr("mediapipe.escalation.report.rows.in_chunks", in_pairs)
    whole = case()
    # One query for the ids, then two for each part: its media and their attempts.
    with django_assert_num_queries(1 + 3 * 2):
        assert len(list(iter_rows(whole))) == 5


def test_each_media_item_is_progress() -> None:
    outbreak()
    advanced: list[int] = []
    write_package(case(), io.BytesIO(), lambda: advanced.append(1))
    assert len(advanced) == 3


def test_it_leaves_the_transaction_as_it_was() -> None:
    outbreak()
    files(case())
    assert connection.in_atomic_block
    MediaItem.objects.update(detail="still writable")
