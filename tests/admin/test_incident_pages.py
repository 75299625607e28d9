"""What the pages show of an incident, and what users with permission can do with it."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from html import unescape
from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.messages import get_messages
from django.test import Client
from django.urls import reverse
from pytest_django import Settings

from mediapipe.models import Cause, Incident, IncidentState, MediaItem, Observation, StepKind
from mediapipe.operations.roles import SUPPORT, VIEWER
from tests.support import make
from tests.support.admin import SCRIPT, listed, logged_in, page, queries

pytestmark = pytest.mark.django_db


@pytest.fixture
def incident(noon: None) -> Incident:
    """Return an incident with one affected media item; a second item is not affected."""
    item, _ = make.media(at=datetime.now(UTC) - timedelta(hours=2)), make.media()
    chosen = MediaItem.objects.filter(pk=item.pk)
    seen = Incident.open_or_update(
        Cause.EARLY_404S, make.ACCOUNT, Observation(30, 3.5, "30 of 40.", chosen)
    )
    assert seen is not None
    seen.refresh_from_db()
    return seen


def shown(client: Client, incident: Incident) -> str:
    return page(client, "mediapipe_incident_change", incident.pk)


def take_step(client: Client, incident: Incident, step: str, **data: str) -> Any:
    url = reverse("admin:mediapipe_incident_step", args=[incident.pk, step])
    answer = client.post(url, data)
    incident.refresh_from_db()
    return answer


def test_the_page_shows_the_observation_the_account_and_what_to_do(
    admin_client: Client, incident: Incident
) -> None:
    html = shown(admin_client, incident)
    for text in ("30 of 40.", Cause.EARLY_404S.todo, "3.5 media", make.ACCOUNT, "automatic"):
        assert text in html


def test_the_hours_of_an_incident_are_shown_as_a_chart_and_a_table(
    admin_client: Client, incident: Incident
) -> None:
    html = shown(admin_client, incident)
    assert html.count('class="total"') == html.count('class="affected"') == 3
    assert html.count('<td class="number">1</td>') == 3


def test_the_page_links_to_the_timing_of_the_incident(
    admin_client: Client, incident: Incident
) -> None:
    (link,) = re.findall(r'href="(/admin/timing/[^"]+)"', shown(admin_client, incident))
    assert admin_client.get(unescape(link)).status_code == 200


def test_the_page_links_to_a_list_of_the_affected_media(
    admin_client: Client, incident: Incident
) -> None:
    assert f"?incident={incident.pk}" in shown(admin_client, incident)
    affected = {item.pk for item in incident.media.all()}
    assert listed(admin_client, incident=str(incident.pk)) == affected
    assert listed(admin_client, incident="nonsense") == set()
    assert listed(admin_client, incident="9" * 30) == set()


def test_the_buttons_acknowledge_resolve_reopen_and_ignore_an_incident(
    client: Client, incident: Incident
) -> None:
    user = logged_in(client, SUPPORT)
    for step, state in (
        ("acknowledge", IncidentState.ACKNOWLEDGED),
        ("resolve", IncidentState.RESOLVED),
        ("reopen", IncidentState.OPEN),
        ("ignore", IncidentState.IGNORED),
    ):
        assert f"/{incident.pk}/{step}/" in shown(client, incident)
        take_step(client, incident, step)
        assert incident.state == state
    by = list(incident.steps.exclude(kind=StepKind.OPENED).values_list("by", flat=True))
    assert by == [user.pk] * 4
    assert LogEntry.objects.filter(user=user, object_id=str(incident.pk)).count() == 4


def test_a_report_records_and_shows_its_ticket_number(
    admin_client: Client, incident: Incident
) -> None:
    take_step(admin_client, incident, "report", ticket=" 4711 ")
    assert (incident.state, incident.ticket) == (IncidentState.REPORTED, "4711")
    assert "4711" in shown(admin_client, incident)
    assert "4711" in LogEntry.objects.get().change_message


@pytest.mark.parametrize("ticket", ["", " ", "x" * 65])
def test_a_report_with_a_missing_or_too_long_ticket_is_refused_with_a_message(
    admin_client: Client, incident: Incident, ticket: str
) -> None:
    answer = take_step(admin_client, incident, "report", ticket=ticket)
    assert incident.state == IncidentState.OPEN
    assert "ticket" in str(*get_messages(answer.wsgi_request))


def test_acknowledging_a_resolved_incident_changes_nothing_and_shows_a_message(
    admin_client: Client, incident: Incident
) -> None:
    incident.resolve()
    answer = take_step(admin_client, incident, "acknowledge")
    assert incident.state == IncidentState.RESOLVED
    assert "Nothing was changed" in str(*get_messages(answer.wsgi_request))
    assert not LogEntry.objects.exists()


def test_open_incidents_are_acknowledged_at_once_and_resolved_ones_skipped(
    admin_client: Client, incident: Incident
) -> None:
    Incident.open_or_update(Cause.STORAGE)
    Incident.resolve_for(Cause.STORAGE)
    url = reverse("admin:mediapipe_incident_changelist")
    pks = list(Incident.objects.values_list("pk", flat=True))
    answer = admin_client.post(url, {"action": "acknowledge", "_selected_action": pks})
    incident.refresh_from_db()
    assert incident.state == IncidentState.ACKNOWLEDGED
    assert "1 incident skipped" in str(*get_messages(answer.wsgi_request)).replace("\u202f", " ")


def test_a_viewer_sees_an_incident_but_cannot_acknowledge_it(
    client: Client, incident: Incident
) -> None:
    logged_in(client, VIEWER)
    assert "/acknowledge/" not in shown(client, incident)
    assert take_step(client, incident, "acknowledge").status_code == 403
    assert incident.state == IncidentState.OPEN


def test_a_get_request_takes_no_step(admin_client: Client, incident: Incident) -> None:
    url = reverse("admin:mediapipe_incident_step", args=[incident.pk, "resolve"])
    admin_client.get(url)
    incident.refresh_from_db()
    assert incident.state == IncidentState.OPEN


def test_unknown_steps_are_refused(admin_client: Client, incident: Incident) -> None:
    assert take_step(admin_client, incident, "delete").status_code in (403, 404)
    assert take_step(admin_client, incident, "explode").status_code == 404


def test_a_hostile_ticket_is_escaped(admin_client: Client, incident: Incident) -> None:
    take_step(admin_client, incident, "report", ticket=SCRIPT)
    assert SCRIPT not in shown(admin_client, incident)
    assert SCRIPT not in page(admin_client, "mediapipe_incident_changelist")


def test_many_media_cost_no_more_queries_than_one(admin_client: Client, incident: Incident) -> None:
    before = queries(admin_client, "mediapipe_incident_change", incident.pk)
    for _ in range(5):
        make.media()
    incident.add_media(MediaItem.objects.all())
    assert queries(admin_client, "mediapipe_incident_change", incident.pk) == before


@pytest.mark.parametrize("cause", Cause)
def test_the_page_of_every_cause_shows_its_meaning_and_what_to_do(
    admin_client: Client, cause: Cause
) -> None:
    incident = Incident.open_or_update(cause)
    assert incident is not None
    html = shown(admin_client, incident).replace("&#x27;", "'")
    assert cause.meaning in html
    assert cause.todo in html


def test_a_note_is_part_of_the_history(admin_client: Client, incident: Incident) -> None:
    take_step(admin_client, incident, "note", note="Asked the carrier.")
    step = incident.steps.get(kind=StepKind.NOTED)
    assert (step.note, str(step.by)) == ("Asked the carrier.", "admin")
    assert "Asked the carrier." in shown(admin_client, incident)
    assert LogEntry.objects.get().change_message == "Noted: Asked the carrier."
    assert incident.state == IncidentState.OPEN


@pytest.mark.parametrize("note", ["", " ", "x" * 256])
def test_an_empty_or_too_long_note_is_refused(
    admin_client: Client, incident: Incident, note: str
) -> None:
    answer = take_step(admin_client, incident, "note", note=note)
    assert "Enter a note" in str(*get_messages(answer.wsgi_request))
    assert not incident.steps.filter(kind=StepKind.NOTED).exists()


def test_a_viewer_may_not_add_a_note(client: Client, incident: Incident) -> None:
    logged_in(client, VIEWER)
    assert 'name="note"' not in shown(client, incident)
    assert take_step(client, incident, "note", note="no").status_code == 403


def test_a_resolved_incident_shows_its_cause_and_the_present_states_of_its_items(
    admin_client: Client, incident: Incident
) -> None:
    incident.media.update(status="stored")
    incident.resolve()
    html = shown(admin_client, incident)
    assert "webhooks arrived before the media was available." in html
    assert "1 item had this failure; now 1 stored." in html
    assert "What to do" not in html


def test_only_a_storage_incident_names_the_media_directory(
    admin_client: Client, incident: Incident, settings: Settings
) -> None:
    storage = Incident.open_or_update(Cause.STORAGE)
    assert storage
    assert f"MEDIA_ROOT {settings.MEDIA_ROOT}" in shown(admin_client, storage)
    assert "MEDIA_ROOT" not in shown(admin_client, incident)


def test_the_items_of_a_local_cause_are_found_by_their_attempts(admin_client: Client) -> None:
    item = make.media()
    incident = Incident.open_or_update(Cause.STORAGE)
    assert incident
    item.attempt_set.create(
        number=1, phase="fast", started_at=datetime.now(UTC), outcome="storage_failed"
    )
    incident.resolve()
    assert "1 item had this failure; now 1 queued." in shown(admin_client, incident)


def test_a_credentials_incident_shows_the_last_failure_due_to_the_credentials(
    admin_client: Client,
) -> None:
    incident = Incident.open_or_update(Cause.CREDENTIALS, make.ACCOUNT)
    assert incident
    for error, status in (("account_refused", 401), ("not_ready", 404)):
        item = make.media()
        MediaItem.objects.filter(pk=item.pk).update(status="retrying", error=error)
        item.attempt_set.create(
            number=1,
            phase="fast",
            started_at=datetime.now(UTC),
            outcome=error,
            detail=f"HTTP {status}",
        )
    html = shown(admin_client, incident)
    assert "2 items wait" in html
    assert "account_refused at" in html
    assert "HTTP 404" not in html


def test_the_list_counts_the_items_that_wait_now_or_were_affected(
    admin_client: Client, incident: Incident
) -> None:
    Incident.open_or_update(Cause.STORAGE)
    Incident.open_or_update(Cause.CREDENTIALS, make.ACCOUNT)
    Incident.open_or_update(Cause.NOT_CONFIGURED, "AC" + "9" * 32)
    MediaItem.objects.update(status="retrying", error="storage_failed")
    html = page(admin_client, "mediapipe_incident_changelist")
    counts = re.findall(r'field-items">(.*?)<', html)
    # Newest first: none of that account, both of this one, both because of storage, one affected.
    assert counts == ["0 waiting", "2 waiting", "2 waiting", "1"]


def test_the_list_names_cause_and_account_in_columns(
    admin_client: Client, incident: Incident
) -> None:
    Incident.open_or_update(Cause.STORAGE)
    html = page(admin_client, "mediapipe_incident_changelist")
    assert re.findall(r'field-account">(?:<span.*?>)?(.*?)<', html) == ["all", make.ACCOUNT]
    assert f">{incident.get_cause_display()}</a>" in html


def test_a_low_disk_incident_counts_waiting_items_and_offers_no_report_to_twilio(
    admin_client: Client,
) -> None:
    MediaItem.objects.filter(pk=make.media().pk).update(status="retrying", error="storage_failed")
    seen = Observation(None, None, "alpha: DATA_DIR has 1 MB free.", MediaItem.objects.none())
    incident = Incident.open_or_update(Cause.DISK, observation=seen)
    assert incident
    html = shown(admin_client, incident)
    assert "1 item waits" in html
    assert "alpha: DATA_DIR has 1 MB free." in html
    assert "Reported to Twilio" not in html
    assert 'field-items">1 waiting<' in page(admin_client, "mediapipe_incident_changelist")
    incident.resolve()
    assert Cause.DISK.past in shown(admin_client, incident)
