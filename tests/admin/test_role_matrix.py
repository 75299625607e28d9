"""Who may do what: every role, at every address, with every method and every action."""

from __future__ import annotations

from itertools import product

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse

from mediapipe.failures import TooLarge
from mediapipe.models import BulkJob, MediaItem, Status
from mediapipe.operations import roles
from mediapipe.providers.base import Evidence
from tests.support import make
from tests.support.admin import client_with_role

pytestmark = pytest.mark.django_db

NOBODY, STRANGER = "nobody", "stranger"
WHO = (STRANGER, NOBODY, *roles.ROLES)
SEE = set(roles.ROLES)
ACT = {roles.SUPPORT, roles.ADMINISTRATOR}
RULE = {roles.ADMINISTRATOR}
NONE: set[str] = set()
LIST = "mediapipe_mediaitem_changelist"
MODELS = (
    "mediaitem",
    "webhookevent",
    "webhookroute",
    "incident",
    "notice",
    "accounthealth",
    "rejection",
)

# URL name and whether it takes an item's id; who may GET and who may POST there.
RULES: dict[tuple[str, bool], tuple[set[str], set[str]]] = {
    ("failures", False): (SEE, SEE),
    ("reasons", False): (SEE, SEE),
    ("mediapipe_mediaitem_change", True): (SEE, NONE),
    ("mediapipe_mediaitem_history", True): (SEE, SEE),
    ("mediapipe_mediaitem_delete", True): (NONE, NONE),
    ("mediapipe_mediaitem_add", False): (NONE, NONE),
    ("mediapipe_mediaitem_retry", True): (ACT, ACT),
    ("mediapipe_mediaitem_retry_all", False): (ACT, ACT),
    ("mediapipe_mediaitem_give_up", True): (ACT, ACT),
    ("mediapipe_mediaitem_give_up_all", False): (ACT, ACT),
    ("pause_account", False): (ACT, ACT),
    ("resume_account", False): (ACT, ACT),
    ("refresh_webhook_routes", False): (ACT, ACT),
    ("bulk_job", True): (ACT, ACT),
    ("auth_user_changelist", False): (RULE, RULE),
    ("auth_user_add", False): (RULE, RULE),
    ("auth_group_changelist", False): (RULE, RULE),
    ("auth_group_add", False): (NONE, NONE),
    ("mediapipe_apitoken_changelist", False): (RULE, RULE),
    ("mediapipe_apitoken_add", False): (NONE, NONE),
    ("django_celery_results_taskresult_changelist", False): (SEE, SEE),
    ("django_celery_results_taskresult_add", False): (NONE, NONE),
    **{(f"mediapipe_{model}_changelist", False): (SEE, SEE) for model in MODELS},
    **{(f"mediapipe_{model}_add", False): (NONE, NONE) for model in MODELS},
}
CASES = [
    (who, name, about_item, method)
    for who, (name, about_item), method in product(WHO, RULES, ("get", "post"))
]


@pytest.fixture(autouse=True)
def no_broker(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mediapipe.admin.retries.dispatch", lambda ids: True)
    monkeypatch.setattr("mediapipe.admin.webhook_setup.try_publish", lambda publish: True)
    monkeypatch.setattr("tasks.bulk_jobs.dispatch", lambda ids, queue: True)
    monkeypatch.setattr("tasks.bulk_jobs.queue_capacity", lambda queue: 1000)


@pytest.fixture
def failed() -> MediaItem:
    item = make.claimed()
    item.mark_failed(TooLarge(), Evidence())
    BulkJob.objects.create(pk=item.pk, chosen="", total=0, started_at=item.received_at)
    return item


def client_of(who: str) -> Client:
    if who == STRANGER:
        return Client()
    return client_with_role("" if who == NOBODY else who)


@pytest.mark.parametrize(("who", "name", "about_item", "method"), CASES)
def test_each_address_is_open_only_to_the_permitted_roles(
    failed: MediaItem, who: str, name: str, about_item: bool, method: str
) -> None:
    url = reverse(f"admin:{name}", args=[failed.pk] if about_item else [])
    allowed = RULES[name, about_item][method == "post"]
    answer = getattr(client_of(who), method)(url)
    if who in (STRANGER, NOBODY):
        assert (answer.status_code, "/login/" in answer["Location"]) == (302, True)
    else:
        assert (answer.status_code in (200, 302)) == (who in allowed)
        assert who in allowed or answer.status_code == 403


@pytest.mark.parametrize("who", WHO)
def test_only_roles_that_may_retry_can_retry_an_item(failed: MediaItem, who: str) -> None:
    client = client_of(who)
    yes = {"confirmed": "yes", "include": failed.error}
    ticked = {"action": "try_again", "_selected_action": [failed.pk]}
    client.post(reverse(f"admin:{LIST}"), ticked | yes)
    client.post(reverse("admin:mediapipe_mediaitem_retry_all"), yes)
    client.post(reverse("admin:mediapipe_mediaitem_retry", args=[failed.pk]))
    failed.refresh_from_db()
    assert (failed.status == Status.QUEUED) == (who in ACT)


@pytest.mark.parametrize("who", WHO)
@pytest.mark.parametrize("action", ["delete_selected", "nonsense"])
def test_no_role_can_delete_from_a_list(failed: MediaItem, who: str, action: str) -> None:
    ticked = {"action": action, "_selected_action": [failed.pk], "post": "yes"}
    client_of(who).post(reverse(f"admin:{LIST}"), ticked)
    assert MediaItem.objects.filter(pk=failed.pk).exists()


@pytest.mark.parametrize("who", WHO)
@pytest.mark.parametrize("form", ["csv", "jsonl"])
def test_only_roles_that_may_export_get_an_exported_file(
    failed: MediaItem, who: str, form: str
) -> None:
    answer = client_of(who).get(reverse("admin:mediapipe_mediaitem_export", args=[form]))
    assert (answer.status_code == 200) == (who in ACT)


@pytest.mark.parametrize("who", WHO)
def test_only_roles_that_may_see_media_learn_that_a_file_does_not_exist(
    failed: MediaItem, who: str
) -> None:
    answer = client_of(who).get(reverse("admin:mediapipe_mediaitem_file", args=[failed.pk]))
    # The file does not exist, and only those who may see media get to know that.
    assert (answer.status_code == 404) == (who in SEE)


def test_a_form_without_a_csrf_token_is_refused_and_changes_nothing(failed: MediaItem) -> None:
    client_with_role(roles.SUPPORT)
    client = Client(enforce_csrf_checks=True)
    client.force_login(User.objects.get(username="a Support"))
    for name, about_item in RULES:
        url = reverse(f"admin:{name}", args=[failed.pk] if about_item else [])
        assert client.post(url, {"confirmed": "yes"}).status_code == 403
    failed.refresh_from_db()
    assert failed.status == Status.FAILED
