"""The package in the admin: a preview, then the download; from a list or an incident."""

from __future__ import annotations

import html
import io
import re
from datetime import UTC, datetime, timedelta
from typing import Any
from zipfile import ZipFile

import pytest
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Group, User
from django.test import Client
from django.urls import reverse

from mediapipe.models import Cause, Incident, MediaItem
from tests.support import early_404s

pytestmark = pytest.mark.django_db

NOON = datetime(2026, 3, 2, 12, 10, tzinfo=UTC)
LIST = "admin:mediapipe_mediaitem_changelist"
ALL = "admin:mediapipe_mediaitem_package_all"


@pytest.fixture(autouse=True)
def outbreak() -> list[MediaItem]:
    """Record two media items that were late and one that was not."""
    return [
        early_404s.media(NOON, not_found_s=[0.1], found_s=2.0),
        early_404s.media(NOON, not_found_s=[0.2], found_s=3.0),
        early_404s.media(NOON, found_s=0.2),
    ]


def package(answer: Any) -> dict[str, str]:
    """Return the text of each file in the ZIP of this response, by name."""
    assert answer["Content-Type"] == "application/zip", answer.content.decode()
    with ZipFile(io.BytesIO(b"".join(answer.streaming_content))) as zipped:
        return {
            name.rpartition("/")[2]: zipped.read(name).decode(errors="replace")
            for name in zipped.namelist()
        }


def rows(answer: Any) -> int:
    return len(package(answer)["media.jsonl"].splitlines())


def ticked(*items: MediaItem, **fields: str) -> dict[str, Any]:
    """Return the form data of the list when these items are ticked and the action is chosen."""
    chosen = {ACTION_CHECKBOX_NAME: [item.pk for item in items], "action": "package"}
    return {**chosen, "select_across": "0", "index": "0", **fields}


def hidden(page: str) -> dict[str, list[str]]:
    """Return the hidden fields of the page's form, as a browser sends them."""
    found: dict[str, list[str]] = {}
    for name, value in re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)"', page):
        found.setdefault(name, []).append(value)
    return found


def test_the_preview_shows_the_first_rows_as_columns(
    admin_client: Client, outbreak: list[MediaItem]
) -> None:
    page = admin_client.post(reverse(LIST), ticked(*outbreak)).content.decode()
    assert re.findall(r'<th scope="col">(Row \d)</th>', page) == ["Row 1", "Row 2"]
    attempts = re.search(r'<th scope="row">attempts</th>(.*?)</tr>', page)
    assert attempts
    assert re.findall(">(.)</td>", attempts[1]) == ["2", "2"]


def test_selected_items_are_previewed_and_then_downloaded(
    admin_client: Client, outbreak: list[MediaItem]
) -> None:
    page = admin_client.post(reverse(LIST), ticked(outbreak[0], outbreak[2])).content.decode()
    assert "1 media item</strong> with an early 404" in page
    answer = admin_client.post(reverse(LIST), {**hidden(page), "download": ""})
    assert rows(answer) == 1
    assert 'filename="twilio-early-404s-20260302T1200Z.zip"' in answer["Content-Disposition"]


def test_the_package_contains_items_selected_across_all_pages_of_the_list(
    admin_client: Client, outbreak: list[MediaItem]
) -> None:
    page = admin_client.post(reverse(LIST), ticked(outbreak[0], select_across="1"))
    answer = admin_client.post(reverse(LIST), {**hidden(page.content.decode()), "download": ""})
    assert rows(answer) == 2


def test_the_package_contains_all_items_that_match_the_filters(admin_client: Client) -> None:
    url = f"{reverse(ALL)}?slower_than=300"
    assert "there is nothing to report" in admin_client.get(url).content.decode()
    url = f"{reverse(ALL)}?since=2026-03-02T12:00Z&until=2026-03-02T13:00Z"
    assert "2 media items</strong> with an early 404" in admin_client.get(url).content.decode()
    assert rows(admin_client.post(url, {"download": ""})) == 2


def test_the_list_links_to_the_package_with_its_filters(admin_client: Client) -> None:
    page = admin_client.get(reverse(LIST), {"early_404": "yes"}).content.decode()
    assert f'href="{reverse(ALL)}?early_404=yes"' in page


def test_the_package_of_an_incident_contains_only_the_affected_media(
    admin_client: Client, outbreak: list[MediaItem]
) -> None:
    incident = Incident.open_or_update(Cause.EARLY_404S)
    assert incident is not None
    incident.add_media(MediaItem.objects.filter(pk=outbreak[1].pk))
    url = reverse("admin:incident_package", args=[incident.pk])
    page = admin_client.get(url).content.decode()
    assert outbreak[1].media_sid in page
    assert outbreak[0].media_sid not in page
    assert rows(admin_client.post(url, {"download": ""})) == 1


def test_an_incident_without_early_404s_has_nothing_to_report(admin_client: Client) -> None:
    incident = Incident.open_or_update(Cause.STORAGE)
    assert incident is not None
    url = reverse("admin:incident_package", args=[incident.pk])
    assert "there is nothing to report" in admin_client.get(url).content.decode()


def test_the_page_shows_the_message_that_the_package_contains(admin_client: Client) -> None:
    page = admin_client.get(reverse(ALL)).content.decode()
    shown = re.search(r'<pre id="message"[^>]*>(.*?)</pre>', page, re.DOTALL)
    assert shown is not None
    message = html.unescape(shown[1])
    assert message.startswith("Subject: Media URLs return 404")
    assert package(admin_client.post(reverse(ALL), {"download": ""}))["message.txt"] == message


def test_the_page_shows_the_chart_and_has_no_inline_script_or_style(
    admin_client: Client,
) -> None:
    page = admin_client.get(reverse(ALL)).content.decode()
    assert 'src="data:image/svg+xml;base64,PHN2Zy' in page
    assert re.findall(r"<script(?![^>]*\bsrc=)", page) == []
    assert " style=" not in page


def test_times_are_written_in_the_requested_time_zone(admin_client: Client) -> None:
    answer = admin_client.post(reverse(ALL), {"tz": "Europe/Berlin", "download": ""})
    assert (
        '"webhook_received_at_local": "2026-03-02T13:10:00.000000+01:00"'
        in (package(answer)["media.jsonl"])
    )


@pytest.mark.parametrize("name", ["Mars/Olympus", "../../etc/passwd", "\x00"])
def test_an_unknown_time_zone_is_reported_and_nothing_is_downloaded(
    admin_client: Client, name: str
) -> None:
    answer = admin_client.post(reverse(ALL), {"tz": name, "download": ""})
    assert "There is no time zone" in answer.content.decode()


def test_a_package_too_large_for_the_browser_is_left_to_the_command(
    admin_client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mediapipe.admin.packages.MAX_IN_BROWSER", 1)
    page = admin_client.get(reverse(ALL)).content.decode()
    assert "manage.py escalation_report --since 2026-03-02T12:00:00+00:00" in page
    assert 'name="download"' not in page
    assert "takes longer" in admin_client.post(reverse(ALL), {"download": ""}).content.decode()


def test_creating_a_package_is_recorded_in_the_audit_trail(admin_client: Client) -> None:
    package(admin_client.post(reverse(ALL), {"download": ""}))
    entry = LogEntry.objects.get()
    assert entry.get_change_message() == "Created a package for Twilio Support with 2 media items."


@pytest.mark.parametrize(("role", "status"), [("Viewer", 403), ("Support", 200)])
def test_only_users_who_may_export_get_a_package(
    client: Client, outbreak: list[MediaItem], role: str, status: int
) -> None:
    user = User.objects.create_user("someone", is_staff=True)
    user.groups.add(Group.objects.get(name=role))
    client.force_login(user)
    incident = Incident.open_or_update(Cause.EARLY_404S)
    assert incident is not None
    for url in (reverse(ALL), reverse("admin:incident_package", args=[incident.pk])):
        assert client.get(url).status_code == status
    page = client.post(reverse(LIST), ticked(outbreak[0]), follow=True).content.decode()
    assert ("Copy the message" in page) == (status == 200)


def test_a_login_is_required(client: Client) -> None:
    assert "/admin/login/" in client.get(reverse(ALL))["Location"]


def test_the_package_of_an_incident_that_does_not_exist_is_not_found(admin_client: Client) -> None:
    assert admin_client.get(reverse("admin:incident_package", args=[9])).status_code == 404


def test_an_old_outbreak_is_compared_with_the_period_before_it(admin_client: Client) -> None:
    early_404s.media(NOON - timedelta(days=1), not_found_s=[0.1], found_s=1.0)
    url = f"{reverse(ALL)}?since=2026-03-02T12:00Z&until=2026-03-02T13:00Z"
    assert "Baseline: 1 of 1 (100%)" in admin_client.get(url).content.decode()
