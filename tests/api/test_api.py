"""Programs list media items, read one, and get a link to its file."""

from __future__ import annotations

import logging
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from mediapipe.api.files import HEADERS
from mediapipe.lifecycle.export import media_document
from mediapipe.models import ApiToken, MediaItem
from mediapipe.simulator import Simulator
from tests.support import make
from tests.support.fetching import attempt, picture

pytestmark = [pytest.mark.django_db, pytest.mark.database]

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


@pytest.fixture
def api(client: Client) -> Client:
    """Return a client that sends a valid token."""
    client.defaults["HTTP_AUTHORIZATION"] = f"Bearer {ApiToken.make('crm')}"
    return client


def listed(api: Client, **query: Any) -> list[int]:
    """Return the ids of the items on one page."""
    return [item["id"] for item in got(api, **query)["media"]]


def got(api: Client, path: str = "/api/v1/media", **query: Any) -> Any:
    answer = api.get(path, query)
    assert answer.status_code == 200, answer.content
    return answer.json()


def refused(api: Client, **query: Any) -> str:
    """Return the error detail with which a query is refused."""
    answer = api.get("/api/v1/media", query)
    assert (answer.status_code, answer.json()["error"]) == (400, "bad_request")
    detail: str = answer.json()["detail"]
    return detail


def stored(twilio: Simulator) -> MediaItem:
    item = picture(twilio)
    attempt(item)
    return item


def test_the_list_returns_the_exported_documents_newest_first(api: Client) -> None:
    old, new = make.media(at=NOON), make.media(at=NOON + timedelta(seconds=1))
    assert got(api) == {"media": [media_document(new), media_document(old)], "next": None}


def test_an_item_is_returned_by_its_id(api: Client) -> None:
    item = make.media()
    assert got(api, f"/api/v1/media/{item.pk}") == media_document(item)


def test_a_response_contains_no_phone_number_and_no_message_text(api: Client) -> None:
    item = make.media()
    text = api.get(f"/api/v1/media/{item.pk}").content.decode()
    assert item.event.sender.lstrip("+") not in text
    assert "Body" not in text


@pytest.mark.parametrize(
    "path", ["/api/v1/media/999999", f"/api/v1/media/{'9' * 40}", "/api/v1/media/x", "/api/v2/x"]
)
def test_an_unknown_item_or_path_is_a_404_in_json(api: Client, path: str) -> None:
    answer = api.get(path)
    assert (answer.status_code, answer.json()["error"]) == (404, "not_found")


def test_a_sid_of_any_kind_finds_the_items_that_belong_to_it(api: Client) -> None:
    picture_item, call = make.media(), make.media(make.recording())
    event = picture_item.event
    assert listed(api, sid=event.subject_sid) == [picture_item.pk]
    assert listed(api, sid=picture_item.media_sid) == [picture_item.pk]
    assert listed(api, sid=call.event.subject_sid) == [call.pk]
    assert listed(api, sid=call.event.call_sid) == [call.pk]
    assert listed(api, sid=make.ACCOUNT) == [call.pk, picture_item.pk]
    assert listed(api, sid=make.sid("MM")) == []


def test_items_are_filtered_by_status_and_time(api: Client) -> None:
    items = [make.media(at=NOON + timedelta(hours=hour)) for hour in range(3)]
    MediaItem.objects.filter(pk=items[0].pk).update(status="stored")
    assert listed(api, status="stored") == [items[0].pk]
    period = {"since": "2026-03-01T13:00:00+00:00", "until": "2026-03-01T14:00:00Z"}
    assert listed(api, **period) == [items[1].pk]


@pytest.mark.parametrize(
    ("query", "expected_detail"),
    [
        ({"sid": "MM1"}, "sid must be two capital letters"),
        ({"status": "done"}, "status must be one of queued, "),
        ({"since": "yesterday"}, "since is not an ISO 8601 time"),
        ({"limit": "0"}, "limit must be a whole number from 1 to 200"),
        ({"limit": "201"}, "limit must be a whole number from 1 to 200"),
        ({"cursor": "x"}, "The cursor is not valid"),
        ({"state": "stored"}, "Unknown parameter"),
        ({"status": ["stored", "failed"]}, "status is given more than once"),
    ],
)
def test_an_invalid_query_is_refused_with_a_400_and_the_reason(
    api: Client, query: dict[str, Any], expected_detail: str
) -> None:
    assert expected_detail in refused(api, **query)


def test_the_pages_contain_every_item_once_while_new_items_arrive(api: Client) -> None:
    expected = [make.media(at=NOON).pk for _ in range(3)]
    expected += [make.media(at=NOON + timedelta(seconds=1)).pk for _ in range(2)]
    page, seen = got(api, limit=2, status="queued"), []
    while True:
        seen += [item["id"] for item in page["media"]]
        make.media(at=NOON + timedelta(hours=1))
        if page["next"] is None:
            break
        page = got(api, page["next"])
    assert seen == expected[::-1]


def test_a_page_needs_at_most_three_queries_for_any_number_of_items(
    api: Client, django_assert_max_num_queries: Any
) -> None:
    for _ in range(20):
        make.media()
    with django_assert_max_num_queries(3):
        assert len(listed(api)) == 20


def test_a_link_serves_the_file_without_a_token_and_with_the_safe_headers(
    api: Client, twilio: Simulator
) -> None:
    item = stored(twilio)
    link = got(api, f"/api/v1/media/{item.pk}/link")
    answer: Any = Client().get(link["url"])
    script = twilio.state.find(item.identity)
    assert script is not None
    assert b"".join(answer.streaming_content) == script.body
    assert HEADERS.items() <= dict(answer.items()).items()
    assert answer["Content-Disposition"].startswith("attachment")


def test_a_link_contains_the_public_origin_without_its_password(
    api: Client, twilio: Simulator, settings: Settings
) -> None:
    settings.PUBLIC_BASE_URL = "https://user:password@media.example.com"
    item = stored(twilio)
    link = got(api, f"/api/v1/media/{item.pk}/link")
    assert link["url"].startswith("https://media.example.com/files/")


def test_a_link_expires_at_the_end_of_its_lifetime(
    api: Client, twilio: Simulator, settings: Settings
) -> None:
    settings.API_LINK_LIFETIME_S = 60.0
    item = stored(twilio)
    with time_machine.travel(NOON, tick=False) as clock:
        link = got(api, f"/api/v1/media/{item.pk}/link")
        assert link["expires_at"] == "2026-03-01T12:01:00+00:00"
        clock.shift(timedelta(seconds=62))
        assert Client().get(link["url"]).status_code == 403


def test_a_longer_lifetime_does_not_revive_an_expired_link(
    api: Client, twilio: Simulator, settings: Settings
) -> None:
    settings.API_LINK_LIFETIME_S = 60.0
    item = stored(twilio)
    with time_machine.travel(NOON, tick=False) as clock:
        link = got(api, f"/api/v1/media/{item.pk}/link")
        clock.shift(timedelta(seconds=62))
        settings.API_LINK_LIFETIME_S = 3600.0
        assert Client().get(link["url"]).status_code == 403


@pytest.mark.parametrize("ended", ["revoked_at", "expires_at"])
def test_a_link_stops_working_when_its_token_is_revoked_or_expires(
    api: Client, twilio: Simulator, ended: str
) -> None:
    item = stored(twilio)
    link = got(api, f"/api/v1/media/{item.pk}/link")
    ApiToken.objects.update(**{ended: timezone.now()})
    assert Client().get(link["url"]).status_code == 403


def test_an_opened_link_is_logged_with_the_token_name_and_without_the_sender(
    api: Client, twilio: Simulator, caplog: pytest.LogCaptureFixture
) -> None:
    item = stored(twilio)
    link = got(api, f"/api/v1/media/{item.pk}/link")
    caplog.clear()
    with caplog.at_level(logging.INFO, "mediapipe.operations.audit_log"):
        for requested in ("bytes=0-", "bytes=1-"):
            part: Any = Client().get(link["url"], headers={"Range": requested})
            assert b"".join(part.streaming_content)
    line = f"API token crm: opened the file of media item {item.pk}, {item.media_sid}"
    assert caplog.messages == [line, line]


def test_a_link_that_was_tampered_with_is_refused(api: Client, twilio: Simulator) -> None:
    item = stored(twilio)
    url = got(api, f"/api/v1/media/{item.pk}/link")["url"]
    assert Client().get(f"{url[:-1]}{'A' if url[-1] != 'A' else 'B'}").status_code == 403


def test_a_link_to_an_item_that_is_not_stored_is_refused_with_a_404(api: Client) -> None:
    answer = api.get(f"/api/v1/media/{make.media().pk}/link")
    assert answer.status_code == 404
    assert answer.json()["detail"] == "There is no file: the media item is queued."
