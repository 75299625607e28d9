"""Every list says what it is, what is normal, and what to do first; states are words."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from django.conf import settings
from django.contrib import admin
from django.contrib.auth.models import Group, User
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from mediapipe.admin.readonly import ReadOnlyAdmin
from mediapipe.models import AccountHealth, ApiToken, Deletion, HandOff, Incident
from mediapipe.models.outbox import DeliveryStatus
from mediapipe.operations.audit_log import log_changes
from tests.support import make
from tests.support.admin import page

pytestmark = [pytest.mark.django_db, pytest.mark.database]

LISTS = sorted(
    f"{model._meta.app_label}_{model._meta.model_name}_changelist"
    for model, model_admin in admin.site._registry.items()
    if isinstance(model_admin, ReadOnlyAdmin)
)


@pytest.mark.parametrize("name", LISTS)
def test_an_empty_list_explains_what_it_is_and_what_to_do_first(
    admin_client: Client, name: str
) -> None:
    html = page(admin_client, name)
    assert '<p class="help">' in html
    assert "The list is empty." not in html
    assert "<h1>Select " not in html


def test_the_count_under_a_list_names_its_rows(admin_client: Client) -> None:
    for number in range(2):
        AccountHealth.objects.create(account_sid=f"AC{number:032}", paused_at=timezone.now())
    html = page(admin_client, "mediapipe_accounthealth_changelist")
    assert "<h1>Account health</h1>" in html
    assert "2\naccounts" in html


def test_the_page_of_a_row_has_its_fields_as_facts(admin_client: Client) -> None:
    ApiToken.make("crm")
    html = page(admin_client, "mediapipe_apitoken_change", ApiToken.objects.get().pk)
    assert "<h1>API token: crm</h1>" in html
    assert "<dt>Accounts</dt><dd>all accounts</dd>" in html
    assert "View API token" not in html


def test_a_list_without_search_help_shows_no_help_text(admin_client: Client) -> None:
    assert "searchbar_helptext" not in page(admin_client, "auth_group_changelist")


def test_a_list_links_to_its_documentation(admin_client: Client, settings: Settings) -> None:
    settings.DOCS_URL = "https://git.example.com/docs"
    html = page(admin_client, "mediapipe_handoff_changelist")
    assert 'href="https://git.example.com/docs/handoff.md"' in html
    assert 'href="https://git.example.com/docs/admin.md"' in html


def test_every_linked_document_and_heading_exists() -> None:
    for model_admin in admin.site._registry.values():
        if isinstance(model_admin, ReadOnlyAdmin):
            file, _, anchor = model_admin.docs.partition("#")
            text = (settings.BASE_DIR / "docs" / file).read_text()
            headings = re.findall("^#+ (.*)$", text, re.MULTILINE)
            anchors = {re.sub("[^a-z -]", "", each.lower()).replace(" ", "-") for each in headings}
            assert anchor in {"", *anchors}, model_admin.docs


def test_the_history_of_a_row_is_written_as_sentences(admin_client: Client) -> None:
    item = make.media()
    assert "No user has changed it yet." in page(
        admin_client, "mediapipe_mediaitem_history", item.pk
    )
    log_changes(User.objects.get(), [item], "Retried.")
    html = page(admin_client, "mediapipe_mediaitem_history", item.pk)
    assert "<strong>admin</strong>: Retried.</li>" in html


def test_the_overview_shows_what_the_user_did(admin_client: Client) -> None:
    item = make.media()
    log_changes(User.objects.get(), [item], "Retried.")
    html = page(admin_client, "index")
    assert f"{item}</a>: Retried.</li>" in html


def test_a_filter_that_matches_nothing_links_to_all_rows(admin_client: Client) -> None:
    make.media()
    html = page(admin_client, "mediapipe_mediaitem_changelist", status__exact="failed")
    assert 'Nothing matches. <a href="?">Show all</a>' in html


def test_the_list_of_tokens_shows_their_states_accounts_and_last_use(admin_client: Client) -> None:
    ApiToken.make("crm")
    ApiToken.make("old", expires_at=timezone.now() - timedelta(days=1))
    ApiToken.make("lost")
    ApiToken.objects.filter(name="lost").update(revoked_at=timezone.now())
    html = page(admin_client, "mediapipe_apitoken_changelist")
    for state in ("Active", "Expired", "Revoked"):
        assert f"</span> {state}</span>" in html
    assert "all accounts" in html
    assert "never" in html


def test_the_list_of_deletions_shows_each_outcome_at_twilio(admin_client: Client) -> None:
    for status in DeliveryStatus:
        Deletion.objects.create(media=make.media(), status=status)
    html = page(admin_client, "mediapipe_deletion_changelist")
    for outcome in ("To delete", "Deleted", "Kept"):
        assert f"</span> {outcome}</span>" in html


def test_the_row_of_a_hand_off_begins_with_its_time_and_links_its_state(
    admin_client: Client,
) -> None:
    item = make.media()
    item.retrieved_at = timezone.now()
    item.save()
    HandOff.objects.create(media=item, receiver="webhook", ending="media.stored")
    row = page(admin_client, "mediapipe_handoff_changelist").partition("<tbody>")[2]
    assert row.index('class="field-ended"') < row.index('class="field-state"')
    assert '/change/"><span class="state state-waiting">' in row


def test_the_page_of_a_hand_off_without_attempts_shows_none_yet(admin_client: Client) -> None:
    hand_off = HandOff.objects.create(media=make.media(), receiver="webhook", ending="media.stored")
    assert "none yet" in page(admin_client, "mediapipe_handoff_change", hand_off.pk)


def test_the_page_of_a_row_links_back_to_its_list(admin_client: Client) -> None:
    ada = User.objects.create_user("ada")
    hand_off = HandOff.objects.create(media=make.media(), receiver="webhook", ending="media.stored")
    for name, pk, plural in (
        ("mediapipe_handoff", hand_off.pk, "Hand-offs"),
        ("auth_user", ada.pk, "Users"),
        ("auth_group", Group.objects.get(name="Viewer").pk, "Roles"),
    ):
        html = page(admin_client, f"{name}_change", pk)
        way = html.partition('<div class="breadcrumbs">')[2].partition("</div>")[0]
        assert re.findall(r"<a [^>]*>([^<]*)</a>", way) == ["Home", plural]


def test_the_navigation_begins_with_the_pages_for_monitoring(admin_client: Client) -> None:
    now = timezone.now()
    Incident.objects.create(cause="storage", first_seen_at=now, opened_at=now, last_seen_at=now)
    html = page(admin_client, "mediapipe_apitoken_changelist")
    menu = html.partition('<nav aria-label="Menu">')[2].partition("</nav>")[0]
    names = ["Overview", "Media items", "Failures", "Timing", "Incidents (1)", "Webhook events"]
    positions = [
        menu.index(f">{name}</a>") for name in [*names, "Hand-offs", "Retries", "API tokens"]
    ]
    assert positions == sorted(positions)
