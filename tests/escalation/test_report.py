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
from tests.support.report import HOUR, MINUTE, NOON, case, figures, outbreak, text

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


def test_the_keys_and_their_order_are_fixed() -> None:
    outbreak()
    assert list(KEYS) == WRITTEN_KEYS
    assert list(next(iter_rows(case()))) == WRITTEN_KEYS


def test_only_media_with_early_404s_is_listed_and_compared_with_all_media() -> None:
    late = outbreak()[:3]
    assert [row["media_sid"] for row in iter_rows(case())] == [item.media_sid for item in late]
    seen = figures(since=NOON - HOUR, until=NOON + 2 * HOUR)
    assert (seen.affected, seen.total, seen.retrieved, seen.not_found) == (3, 5, 2, 6)


def test_the_default_period_covers_the_whole_hours_of_the_affected_media() -> None:
    outbreak()
    assert (case().since, case().until) == (NOON - 10 * MINUTE, NOON + 50 * MINUTE)
    assert figures().total == 4


def test_media_without_an_early_404_is_refused() -> None:
    early_404s.media(NOON, found_s=0.2)
    with pytest.raises(NothingToReport, match="None of the chosen media items"):
        case()


def test_404s_with_another_cause_are_excluded_and_counted() -> None:
    outbreak()
    deleted = early_404s.media(NOON, not_found_s=[0.1], not_found_because="deleted")
    assert deleted.media_sid not in {row["media_sid"] for row in iter_rows(case())}
    assert (figures().affected, case().left_out) == (3, 1)
    assert "1 more" in text()
    with pytest.raises(NothingToReport, match="another cause"):
        build_case(MediaItem.objects.filter(pk=deleted.pk))


def test_media_thought_deleted_but_found_later_is_included() -> None:
    item = early_404s.media(NOON, not_found_s=[0.1], found_s=9, not_found_because="deleted")
    assert [row["media_sid"] for row in iter_rows(case())] == [item.media_sid]


def test_a_recording_is_listed_with_its_call_sid_and_its_own_sid() -> None:
    inbound = make.recording()
    early_404s.media(NOON, not_found_s=[0.1], inbound=inbound)
    (row,) = iter_rows(case())
    assert (row["call_sid"], row["recording_sid"]) == (inbound.call_sid, inbound.subject_sid)
    assert (row["message_sid"], row["media_sid"]) == (None, None)


def test_local_times_have_the_offset_in_force_at_that_moment() -> None:
    # Clocks in Berlin go forward on 2026-03-29 at 01:00 UTC, and back on 2026-10-25.
    for at in (datetime(2026, 3, 29, 0, 59, 59, tzinfo=UTC), datetime(2026, 3, 29, 1, tzinfo=UTC)):
        early_404s.media(at, not_found_s=[0.5], found_s=2)
    before, after = iter_rows(case(zone=BERLIN))
    assert before["webhook_received_at_local"] == "2026-03-29T01:59:59.000000+01:00"
    assert before["not_found_at_local"] == ["2026-03-29T01:59:59.500000+01:00"]
    assert before["retrieved_at_local"] == "2026-03-29T03:00:01.300000+02:00"
    assert after["webhook_received_at_local"] == "2026-03-29T03:00:00.000000+02:00"
    assert after["webhook_received_at"] == "2026-03-29T01:00:00.000000+00:00"


def test_a_repeated_hour_at_the_clock_change_is_counted_as_two_hours() -> None:
    for hour in (0, 1):
        early_404s.media(datetime(2026, 10, 25, hour, 30, tzinfo=UTC), not_found_s=[0.5], found_s=2)
    message = text(zone=BERLIN)
    assert "  2026-10-25T02:00+02:00  1 of 1" in message
    assert "  2026-10-25T02:00+01:00  1 of 1" in message


def test_a_period_of_many_hours_is_summarised_by_day() -> None:
    for hour in range(60):
        early_404s.media(NOON + hour * HOUR, not_found_s=[0.5], found_s=2)
    message = text(zone=BERLIN)
    assert "By day of the webhook in Europe/Berlin" in message
    assert "  2026-03-03  24 of 24" in message


def test_each_404_is_listed_with_its_time_and_request_id() -> None:
    item, *_ = outbreak()
    row = next(iter_rows(case()))
    assert row["not_found_request_ids"] == [f"RQ{item.pk:04}0001", f"RQ{item.pk:04}0002"]
    assert [at[-21:-6] for at in row["not_found_at"]] == ["12:10:00.100000", "12:10:01.200000"]
    assert row["last_request_id"] == f"RQ{item.pk:04}0003"


def test_the_csv_contains_the_same_404_times_as_the_json_lines() -> None:
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
def test_a_request_id_that_looks_like_a_formula_is_escaped_in_csv(start: str) -> None:
    formula = f"{start}1+1"
    item = early_404s.media(NOON, not_found_s=[0.1])
    item.attempt_set.update(twilio_request_id=formula)
    line = row_for_csv(next(iter_rows(case())))
    assert line["not_found_request_ids"] == f"'{formula}"
    assert line["not_found_count"] == 1


def test_no_file_contains_phone_numbers_texts_or_tokens(settings: Settings) -> None:
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


def test_a_large_selection_is_read_in_chunks(
    django_assert_num_queries: DjangoAssertNumQueries, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(5):
        early_404s.media(NOON + number * MINUTE, not_found_s=[0.1], found_s=2)
    in_pairs = partial(in_chunks, size=2)
    monkeypatch.setattr("mediapipe.escalation.report.rows.in_chunks", in_pairs)
    whole = case()
    # One query for the ids, then two for each part: its media and their attempts.
    with django_assert_num_queries(1 + 3 * 2):
        assert len(list(iter_rows(whole))) == 5


def test_progress_is_reported_for_each_media_item() -> None:
    outbreak()
    advanced: list[int] = []
    write_package(case(), io.BytesIO(), lambda: advanced.append(1))
    assert len(advanced) == 3


def test_writing_the_package_leaves_the_transaction_usable() -> None:
    outbreak()
    files(case())
    assert connection.in_atomic_block
    MediaItem.objects.update(detail="still writable")
