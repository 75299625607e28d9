"""The detail pages of models without a page of our own: their titles and audit trails."""

from __future__ import annotations

import re
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


def test_the_title_of_a_row_names_its_kind(admin_client: Client) -> None:
    item = make.media()
    deletion = Deletion.objects.create(media=item)
    html = page(admin_client, "mediapipe_deletion_change", deletion.pk)
    assert f"<h1>Deletion at Twilio: {item}</h1>" in html
    assert f"<title>Deletion at Twilio: {item} | Twilio media</title>" in " ".join(html.split())


def test_the_title_of_a_reconciliation_run_names_its_account_and_start(
    admin_client: Client,
) -> None:
    since = timezone.now() - timedelta(hours=1)
    run = Reconciliation.build(make.ACCOUNT, since, timezone.now())
    run.save()
    html = page(admin_client, "mediapipe_reconciliation_change", run.pk)
    assert f"<h1>Reconciliation: {make.ACCOUNT} from {since:%Y-%m-%d %H:%M:%S}</h1>" in html


def attempts(client: Client, count: int) -> tuple[list[str], list[str]]:
    """Return the results of a hand-off's attempts that its page folds, and of those it shows."""
    at = timezone.now().isoformat()
    log = [{"at": at, "took_s": 0.1, "result": f"result {number}"} for number in range(count)]
    hand_off = HandOff.objects.create(
        media=make.media(), receiver="webhook", ending="media.stored", log=log
    )
    html = page(client, "mediapipe_handoff_change", hand_off.pk)
    before = re.search(r"<details><summary>(\d+) before</summary>(.*?)</details>", html)
    folded = re.findall(r"result \d+", before[2]) if before else []
    assert not before or int(before[1]) == len(folded)
    assert f'<ol start="{len(folded) + 1}">' in html
    return folded, re.findall(r"result \d+", html)[len(folded) :]


def test_three_attempts_are_all_shown(admin_client: Client) -> None:
    assert attempts(admin_client, 3) == ([], ["result 0", "result 1", "result 2"])


def test_attempts_before_the_last_three_are_folded(admin_client: Client) -> None:
    folded, shown = attempts(admin_client, 24)
    assert folded == [f"result {number}" for number in range(21)]
    assert shown == ["result 21", "result 22", "result 23"]


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
