"""The detail pages of models without a page of our own: their titles and audit trails."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone

from mediapipe.models import Deletion, HandOff, Reconciliation
from mediapipe.operations.audit_log import log_changes
from tests.support import make
from tests.support.admin import page

pytestmark = pytest.mark.django_db


def test_a_row_has_the_title_of_its_kind(admin_client: Client) -> None:
    item = make.media()
    deletion = Deletion.objects.create(media=item)
    html = page(admin_client, "mediapipe_deletion_change", deletion.pk)
    assert f"<h1>Deletion at Twilio: {item}</h1>" in html
    assert f"<title>Deletion at Twilio: {item} | Twilio media</title>" in " ".join(html.split())


def test_a_run_of_reconciliation_has_its_account_and_start_in_the_title(
    admin_client: Client,
) -> None:
    since = timezone.now() - timedelta(hours=1)
    run = Reconciliation.build(make.ACCOUNT, since, timezone.now())
    run.save()
    html = page(admin_client, "mediapipe_reconciliation_change", run.pk)
    assert f"<h1>Reconciliation: {make.ACCOUNT} from {since:%Y-%m-%d %H:%M:%S}</h1>" in html


def test_a_row_without_entries_has_no_link_to_its_audit_trail(admin_client: Client) -> None:
    hand_off = HandOff.objects.create(media=make.media(), receiver="webhook", ending="media.stored")
    log = f"/admin/mediapipe/handoff/{hand_off.pk}/history/"
    assert log not in page(admin_client, "mediapipe_handoff_change", hand_off.pk)
    log_changes(User.objects.get(), [hand_off], "Retried.")
    html = page(admin_client, "mediapipe_handoff_change", hand_off.pk)
    assert f'<a class="button" href="{log}">Audit trail</a>' in html
    assert f"<h1>Audit trail: {hand_off}</h1>" in page(
        admin_client, "mediapipe_handoff_history", hand_off.pk
    )
