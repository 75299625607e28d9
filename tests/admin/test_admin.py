"""The admin shows everything to those who log in, changes nothing, and runs nothing hostile."""

from __future__ import annotations

import re
from datetime import UTC, datetime

import pytest
from django.contrib.staticfiles import finders
from django.test import Client
from django.urls import reverse
from django_celery_results.models import TaskResult

from mediapipe.failures import Failure, RecordingSilent, TooLarge, TransientMedia404
from mediapipe.fetching.attempt import conclude
from mediapipe.models import (
    AccountHealth,
    Cause,
    Incident,
    MediaItem,
    Rejection,
    Status,
    WebhookEvent,
)
from mediapipe.providers.base import AnnouncedMedia, Body, Evidence
from tests.support import make
from tests.support.admin import RIGHT_TO_LEFT, SCRIPT, listed, media_page, page, queries

pytestmark = pytest.mark.django_db

MODELS = ["webhookevent", "mediaitem", "incident", "accounthealth", "rejection"]
LIST = "mediapipe_mediaitem_changelist"
FOUND = Evidence(http_status=200)


def one_of_each() -> dict[str, MediaItem]:
    """Create a row of every model; return a media item of each status, by status."""
    items = {status: make.claimed() for status in ("fetching", "retrying", "stored", "failed")}
    conclude(items["retrying"], TransientMedia404("HTTP 404"), Evidence(http_status=404))
    items["stored"].mark_stored(
        FOUND,
        Body(size=3, sha256="ab" * 32, head=b"abc"),
        content_type="image/jpeg",
        storage_name="a/b.jpg",
    )
    items["failed"].mark_failed(TooLarge(), FOUND)
    silent = AnnouncedMedia(identity=make.sid("RE"), url="", failure=RecordingSilent())
    items |= {"queued": make.media(), "absent": make.media(make.recording(media=(silent,)))}
    Incident.open_or_update(Cause.CREDENTIALS, make.ACCOUNT)
    AccountHealth.objects.get_or_create(account_sid=make.ACCOUNT, defaults={"rate": 2})
    Rejection.add("signature_wrong")
    assert set(MediaItem.objects.values_list("status", flat=True)) == set(Status.values)
    return items


@pytest.mark.parametrize("model", MODELS)
def test_every_list_and_detail_page_opens_with_rows_of_every_status(
    admin_client: Client, model: str
) -> None:
    one_of_each()
    pks = listed(admin_client, model)
    assert pks
    for pk in pks:
        page(admin_client, f"mediapipe_{model}_change", pk)


def test_the_media_list_links_to_existing_stylesheets(admin_client: Client) -> None:
    paths = re.findall(r"/static/(mediapipe/\S+\.css)", page(admin_client, LIST))
    assert paths
    assert all(finders.find(path) for path in paths)


def test_the_index_links_to_every_list(admin_client: Client) -> None:
    html = page(admin_client, "index")
    for model in MODELS:
        assert reverse(f"admin:mediapipe_{model}_changelist") in html


@pytest.mark.parametrize("app", ["mediapipe", "auth", "django_celery_results"])
def test_the_page_of_an_app_redirects_to_the_overview(admin_client: Client, app: str) -> None:
    answer = admin_client.get(f"/admin/{app}/")
    assert (answer.status_code, answer["Location"]) == (302, reverse("admin:index"))


def test_the_page_of_an_app_requires_a_login(client: Client) -> None:
    answer = client.get("/admin/mediapipe/")
    assert (answer.status_code, answer["Location"]) == (302, "/admin/login/?next=/admin/mediapipe/")


@pytest.mark.parametrize("model", MODELS)
def test_a_login_is_required(client: Client, model: str) -> None:
    one_of_each()
    for url in (
        reverse(f"admin:mediapipe_{model}_changelist"),
        reverse(f"admin:mediapipe_{model}_change", args=[1]),
    ):
        answer = client.get(url)
        assert (answer.status_code, "/admin/login/" in answer["Location"]) == (302, True)


@pytest.mark.parametrize("model", MODELS)
def test_even_a_superuser_cannot_add_change_or_delete_rows(
    admin_client: Client, model: str
) -> None:
    one_of_each()
    (pk, *_) = listed(admin_client, model)
    for action, args in (("add", []), ("change", [pk]), ("delete", [pk])):
        url = reverse(f"admin:mediapipe_{model}_{action}", args=args)
        assert admin_client.post(url, {"post": "yes"}).status_code == 403
    assert pk in listed(admin_client, model)
    assert "delete_selected" not in page(admin_client, f"mediapipe_{model}_changelist")
    assert 'name="_save"' not in page(admin_client, f"mediapipe_{model}_change", pk)


@pytest.mark.parametrize("status", Status.values)
def test_media_are_filtered_by_status(admin_client: Client, status: str) -> None:
    items = one_of_each()
    assert listed(admin_client, status__exact=status) == {items[status].pk}


def test_media_are_filtered_by_reason_kind_and_early_404(admin_client: Client) -> None:
    items = one_of_each()
    everything = {item.pk for item in items.values()}
    assert listed(admin_client, error__exact="too_large") == {items["failed"].pk}
    assert listed(admin_client, kind__exact="recording") == {items["absent"].pk}
    late = {items["retrying"].pk}
    assert listed(admin_client, early_404="yes") == late
    assert listed(admin_client, early_404="no") == everything - late
    assert listed(admin_client, early_404="nonsense") == everything


def test_media_are_found_by_media_message_or_call_sid(admin_client: Client) -> None:
    items = one_of_each()
    item, call = items["stored"], make.media(make.recording(call_sid=make.sid("CA")))
    assert listed(admin_client, q=item.media_sid) == {item.pk}
    assert listed(admin_client, q=item.event.subject_sid) == {item.pk}
    assert listed(admin_client, q=call.event.call_sid) == {call.pk}
    assert listed(admin_client, q=make.sid("ME")) == set()


def test_events_are_found_by_number_and_filtered_by_source_and_kind(admin_client: Client) -> None:
    event = make.event(make.message(sender="+15550000077"))
    other = make.event(make.recording())
    assert listed(admin_client, "webhookevent", q="+15550000077") == {event.pk}
    assert listed(admin_client, "webhookevent", source__exact="recording") == {other.pk}
    assert listed(admin_client, "webhookevent", kind__exact="message") == {event.pk}


def test_incidents_are_filtered_by_whether_they_are_resolved(admin_client: Client) -> None:
    Incident.open_or_update(Cause.STORAGE)
    Incident.open_or_update(Cause.CREDENTIALS)
    Incident.resolve_for(Cause.STORAGE)
    is_open = Incident.objects.get(cause=Cause.CREDENTIALS)
    assert listed(admin_client, "incident", resolved_at__isempty="1") == {is_open.pk}


def test_a_media_page_explains_the_failure_reason_and_what_to_do(admin_client: Client) -> None:
    html = media_page(admin_client, one_of_each()["failed"])
    assert TooLarge.meaning() in html
    assert TooLarge.todo in html


@pytest.mark.parametrize("failure", [*Failure.all()], ids=lambda failure: failure.slug)
def test_every_failure_reason_has_a_meaning_and_advice(failure: type[Failure]) -> None:
    assert failure.meaning().endswith(".")
    assert failure.todo.endswith(".")


def test_a_media_page_links_to_the_results_of_its_tasks(admin_client: Client) -> None:
    item = make.media()
    MediaItem.claim(item.pk, task_id="task-1", worker="celery@here")
    result = TaskResult.objects.create(task_id="task-1", status="RETRY")
    url = reverse("admin:django_celery_results_taskresult_change", args=[result.pk])
    link = f'<a href="{url}"><span class="state state-retrying">'
    assert link in media_page(admin_client, item)
    page(admin_client, "django_celery_results_taskresult_change", result.pk)


def test_the_media_page_shows_the_evidence_of_an_attempt(admin_client: Client) -> None:
    item = make.claimed()
    evidence = Evidence(http_status=404, error_code=20404, request_id="RQ0123456789")
    conclude(item, TransientMedia404(), evidence)
    html = media_page(admin_client, item)
    for text in ("not_ready", "404", "20404", "RQ0123456789"):
        assert text in html


def test_a_time_is_shown_with_its_seconds(admin_client: Client) -> None:
    make.media(at=datetime(2026, 3, 1, 12, 34, 56, tzinfo=UTC))
    assert "2026-03-01 12:34:56" in page(admin_client, LIST)


def test_the_page_of_a_message_links_to_its_media(admin_client: Client) -> None:
    event = make.event(make.message(3))
    html = page(admin_client, "mediapipe_webhookevent_change", event.pk)
    for item in event.media.all():
        assert reverse("admin:mediapipe_mediaitem_change", args=[item.pk]) in html


def test_hostile_text_from_a_sender_is_escaped_on_the_event_page(admin_client: Client) -> None:
    hostile = make.message(
        sender=SCRIPT, recipient=SCRIPT, parameters=((SCRIPT, SCRIPT), ("Body", RIGHT_TO_LEFT))
    )
    event = make.event(hostile)
    make.event(make.message(subject_sid=event.subject_sid, parameters=(("Body", SCRIPT),)))
    html = page(admin_client, "mediapipe_webhookevent_change", event.pk)
    assert SCRIPT not in html
    # As sender, recipient, parameter name, value, the later Body, and the name left out there.
    assert html.count("&lt;script&gt;alert(1)&lt;/script&gt;") == 6


def test_direction_overrides_are_shown_as_codes_and_other_scripts_unchanged(
    admin_client: Client,
) -> None:
    event = make.event(make.message(parameters=(("Body", RIGHT_TO_LEFT), ("Name", "שלום 👩‍👧"))))
    html = page(admin_client, "mediapipe_webhookevent_change", event.pk)
    assert "<td>\\u202eexe.jpg</td>" in html
    assert "<td>שלום 👩‍👧</td>" in html


def test_a_hostile_content_type_detail_or_url_is_escaped(admin_client: Client) -> None:
    item = make.media()
    MediaItem.objects.update(declared_content_type=SCRIPT, detail=SCRIPT, media_url=SCRIPT)
    assert SCRIPT not in media_page(admin_client, item)
    assert SCRIPT not in page(admin_client, LIST)
    assert SCRIPT not in page(admin_client, "mediapipe_webhookevent_change", item.event_id)


@pytest.mark.parametrize("model", MODELS)
def test_a_long_list_costs_no_more_queries_than_a_short_one(
    admin_client: Client, model: str
) -> None:
    one_of_each()
    before = queries(admin_client, f"mediapipe_{model}_changelist")
    for number in range(20):
        one_of_each()
        Rejection.add(f"reason_{number}")
        Incident.open_or_update(Cause.RATE_LIMIT, f"AC{number}")
        AccountHealth.objects.create(account_sid=f"AC{number}", rate=2)
    assert len(listed(admin_client, model)) > 10
    assert queries(admin_client, f"mediapipe_{model}_changelist") == before


def test_many_attempts_cost_no_more_queries_than_one(admin_client: Client) -> None:
    item = make.claimed()
    before = queries(admin_client, "mediapipe_mediaitem_change", item.pk)
    for number in range(2, 12):
        item.attempt_set.create(number=number, phase="fast", started_at=item.received_at)
    assert queries(admin_client, "mediapipe_mediaitem_change", item.pk) == before


def test_many_media_of_a_message_cost_no_more_queries_than_one(admin_client: Client) -> None:
    small, large = make.event(make.message(1)), make.event(make.message(10))
    name = "mediapipe_webhookevent_change"
    assert queries(admin_client, name, small.pk) == queries(admin_client, name, large.pk)
    assert WebhookEvent.objects.count() == 2
