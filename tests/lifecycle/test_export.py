"""The output of `export_media` is an interface: its keys, their order, times, nulls and lines."""

from __future__ import annotations

import csv
import io
import json
from datetime import UTC, datetime, timedelta
from itertools import product
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from pytest_django import DjangoAssertNumQueries

from mediapipe.failures import TooLarge, TransientMedia404
from mediapipe.fetching.attempt import conclude
from mediapipe.models import MediaItem, Status
from mediapipe.providers.base import Body, Evidence
from tests.support import make
from tests.support.commands import manage

pytestmark = [pytest.mark.django_db, pytest.mark.database]

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
# Repeated here on purpose: other programs rely on these names and their order.
KEYS = [
    "media_url",
    "kind",
    "account_sid",
    "message_sid",
    "call_sid",
    "recording_sid",
    "media_sid",
    "status",
    "webhook_received_at",
    "first_attempt_at",
    "last_not_found_at",
    "retrieved_at",
    "attempts",
    "not_found_count",
    "http_status",
    "twilio_code",
    "twilio_request_id",
    "error",
    "declared_content_type",
    "content_type",
    "size",
    "sha256",
    "storage_name",
    "purged_at",
    "reconciled_at",
    "twilio_created_at",
]
Line = dict[str, Any]


def printed(*arguments: str) -> str:
    """Return what the command prints."""
    output = io.StringIO(newline="")
    call_command("export_media", *arguments, stdout=output)
    return output.getvalue()


def exported(*arguments: str) -> list[Line]:
    return [json.loads(line) for line in printed(*arguments).splitlines()]


def exported_as_csv() -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(printed("--format", "csv"), newline="")))


def stored() -> MediaItem:
    """Return a picture that was stored after one 404."""
    item = make.media(at=NOON)
    for evidence in (Evidence(http_status=404, error_code=20404), Evidence(http_status=200)):
        MediaItem.objects.update(next_attempt_at=NOON)
        claimed = MediaItem.claim(item.pk)
        assert claimed is not None
        if evidence.http_status == 404:
            conclude(claimed, TransientMedia404(), evidence)
        else:
            body = Body(size=3, sha256="ab" * 32, head=b"abc")
            claimed.mark_stored(evidence, body, content_type="image/jpeg", storage_name="a/b.jpg")
    item.refresh_from_db()
    return item


def test_a_line_has_the_documented_keys_in_their_order() -> None:
    make.media()
    (line,) = exported()
    assert list(line) == KEYS


def test_a_stored_picture_is_exported_with_the_expected_values() -> None:
    item = stored()
    (line,) = exported()
    assert line["media_url"] == item.media_url
    sids = [line[key] for key in ("account_sid", "message_sid", "media_sid")]
    assert sids == [make.ACCOUNT, item.event.subject_sid, item.media_sid]
    counts = [line[key] for key in ("status", "attempts", "not_found_count", "http_status")]
    assert counts == ["stored", 2, 1, 200]
    file = [line[key] for key in ("declared_content_type", "content_type", "size", "storage_name")]
    assert file == ["image/jpeg", "image/jpeg", 3, "a/b.jpg"]


def test_a_media_url_with_digits_like_a_phone_number_is_exported_unchanged() -> None:
    url = make.media_url(make.sid("MM"), make.sid("ME"), origin="http://127.0.0.1:9701")
    item = make.media()
    MediaItem.objects.filter(pk=item.pk).update(media_url=url)
    (line,) = exported()
    assert line["media_url"] == url


def test_times_are_iso_8601_in_utc_with_their_offset() -> None:
    item = stored()
    (line,) = exported()
    assert line["webhook_received_at"] == "2026-03-01T12:00:00+00:00"
    for key in ("first_attempt_at", "last_not_found_at", "retrieved_at"):
        assert line[key].endswith("+00:00")
        assert datetime.fromisoformat(line[key]) == getattr(item, key)


def test_unknown_values_are_null() -> None:
    make.media()
    (line,) = exported()
    known = {key for key, value in line.items() if value is not None}
    always = {"media_url", "kind", "account_sid", "status", "webhook_received_at"}
    counted = {"attempts", "not_found_count"}
    assert known == always | counted | {"message_sid", "media_sid", "declared_content_type"}


def test_a_recording_names_its_call_and_no_message() -> None:
    recording = make.recording()
    make.media(recording)
    (line,) = exported()
    assert (line["kind"], line["recording_sid"]) == ("recording", recording.subject_sid)
    assert line["call_sid"] == recording.call_sid
    assert (line["message_sid"], line["media_sid"]) == (None, None)


def test_a_failure_is_named_by_its_slug() -> None:
    make.claimed().mark_failed(TooLarge(), Evidence(http_status=200))
    (line,) = exported()
    assert (line["status"], line["error"]) == ("failed", "too_large")


def test_media_items_are_exported_one_per_line_from_the_oldest() -> None:
    make.event(make.message(3), at=NOON)
    first = make.media(at=NOON - timedelta(seconds=1))
    lines = exported()
    assert len(lines) == 4
    assert lines[0]["media_sid"] == first.media_sid


@pytest.mark.parametrize(
    ("arguments", "hours"),
    [
        (["--since", "2026-03-01T12:00:00+00:00"], [12, 13]),
        (["--since", "2026-03-01T13:00:00+01:00"], [12, 13]),
        (["--since", "2026-03-01T12:00:00Z"], [12, 13]),
        (["--since", "2026-03-01T12:00:00"], [12, 13]),
        (["--until", "2026-03-01T12:00:00+00:00"], [11]),
        (["--since", "2026-03-01T12:00", "--until", "2026-03-01T13:00"], [12]),
        (["--since", "2026-03-01"], [11, 12, 13]),
        (["--since", "2026-03-02"], []),
    ],
)
def test_a_period_includes_its_start_and_excludes_its_end(
    arguments: list[str], hours: list[int]
) -> None:
    for hour in (11, 12, 13):
        make.media(at=NOON.replace(hour=hour))
    received = [
        datetime.fromisoformat(line["webhook_received_at"]) for line in exported(*arguments)
    ]
    assert [at.hour for at in received] == hours


def test_only_items_with_the_requested_status_are_exported() -> None:
    stored()
    make.media()
    assert [line["status"] for line in exported("--status", "stored")] == [Status.STORED]


@pytest.mark.parametrize("name", ["--since", "--until"])
@pytest.mark.parametrize(
    "text", ["tomorrow", "2026-02-30T00:00:00", "12:00", "", "0001-01-01T00:00:00+14:00"]
)
def test_an_invalid_time_is_refused_with_an_explanation(name: str, text: str) -> None:
    with pytest.raises(CommandError, match=rf"{name}: .* is not a time; use the form"):
        exported(f"{name}={text}")


def test_an_invalid_time_on_the_command_line_prints_no_traceback(tmp_path: Path) -> None:
    ended = manage("export_media", "--since", "tomorrow", data_dir=tmp_path)
    assert (ended.returncode, ended.stdout) == (2, "")
    assert ended.stderr.splitlines()[-1].startswith("manage.py export_media: error: argument --sin")
    assert "Traceback" not in ended.stderr


def test_an_unknown_status_is_refused() -> None:
    with pytest.raises(CommandError, match="invalid choice: 'lost'"):
        exported("--status", "lost")


def test_csv_has_the_same_keys_and_values() -> None:
    stored()
    (line,) = exported()
    (row,) = exported_as_csv()
    assert list(row) == KEYS
    assert row == {key: "" if value is None else str(value) for key, value in line.items()}


def test_an_empty_csv_export_contains_only_the_header() -> None:
    assert printed("--format", "csv") == ",".join(KEYS) + "\r\n"


BLANKS = ["", " ", "\u00a0", "\u3000", "\u200b", "\ufeff", "\u202e", " \v\f"]
SIGNS = ["=", "+", "-", "@", "\uff1d", "\uff0b", "\uff0d", "\uff20"]


@pytest.mark.parametrize("start", ["\t", "\r", "\n", *map("".join, product(BLANKS, SIGNS))])
def test_a_formula_is_escaped_in_csv(start: str) -> None:
    formula = f'{start}HYPERLINK("http://evil.example","x, y")'
    make.media()
    MediaItem.objects.update(declared_content_type=formula)
    (row,) = exported_as_csv()
    assert row["declared_content_type"] == f"'{formula}"


@pytest.mark.parametrize("separator", [";", ",", '"', "|", "; ", '";"', "a\t", "a\n"])
def test_a_formula_after_a_separator_is_escaped_in_csv(separator: str) -> None:
    make.media()
    MediaItem.objects.update(declared_content_type=f"x{separator}=cmd|'/C calc'!A0;y")
    (row,) = exported_as_csv()
    before, apostrophe, _ = row["declared_content_type"].partition("'")
    assert (before.strip(), apostrophe) == (f"x{separator}".strip(), "'")


def test_no_export_contains_a_phone_number() -> None:
    make.media(make.message(sender="+15550000077", recipient="whatsapp:+15550000078"))
    MediaItem.objects.update(declared_content_type="x/+15550000079")
    for text in (printed(), printed("--format", "csv")):
        assert "15550000" not in text


def test_json_lines_are_never_altered() -> None:
    make.media()
    MediaItem.objects.update(declared_content_type="=1+1\n{}")
    (line,) = exported()
    assert line["declared_content_type"] == "=1+1\n{}"


def test_numbers_and_times_are_not_escaped_in_csv() -> None:
    stored()
    MediaItem.objects.update(size=-1)
    (row,) = exported_as_csv()
    assert row["size"] == "-1"
    assert row["webhook_received_at"] == "2026-03-01T12:00:00+00:00"


def test_exporting_fifty_lines_takes_no_more_queries_than_one(
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:
    make.event(make.message(50))
    # One for the ids, and one for each chunk of rows.
    with django_assert_num_queries(2):
        assert len(exported()) == 50


def test_a_file_deleted_by_retention_has_no_name_but_a_deletion_time() -> None:
    item = stored()
    MediaItem.objects.filter(pk=item.pk).update(purged_at=NOON)
    (line,) = exported()
    assert (line["status"], line["storage_name"], line["size"]) == ("stored", None, 3)
    assert line["purged_at"] == "2026-03-01T12:00:00+00:00"
