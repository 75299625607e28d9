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

NO_ROLE, ANONYMOUS = "no role", "anonymous"
USERS = (ANONYMOUS, NO_ROLE, *roles.ROLES)
MAY_VIEW = set(roles.ROLES)
MAY_ACT = {roles.SUPPORT, roles.ADMINISTRATOR}
MAY_ADMINISTER = {roles.ADMINISTRATOR}
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
    ("failures", False): (MAY_VIEW, MAY_VIEW),
    ("reasons", False): (MAY_VIEW, MAY_VIEW),
    ("mediapipe_mediaitem_change", True): (MAY_VIEW, NONE),
    ("mediapipe_mediaitem_history", True): (MAY_VIEW, MAY_VIEW),
    ("mediapipe_mediaitem_delete", True): (NONE, NONE),
    ("mediapipe_mediaitem_add", False): (NONE, NONE),
    ("mediapipe_mediaitem_retry", True): (MAY_ACT, MAY_ACT),
    ("mediapipe_mediaitem_retry_all", False): (MAY_ACT, MAY_ACT),
    ("mediapipe_mediaitem_give_up", True): (MAY_ACT, MAY_ACT),
    ("mediapipe_mediaitem_give_up_all", False): (MAY_ACT, MAY_ACT),
    ("pause_account", False): (MAY_ACT, MAY_ACT),
    ("resume_account", False): (MAY_ACT, MAY_ACT),
    ("refresh_webhook_routes", False): (MAY_ACT, MAY_ACT),
    ("bulk_job", True): (MAY_ACT, MAY_ACT),
    ("auth_user_changelist", False): (MAY_ADMINISTER, MAY_ADMINISTER),
    ("auth_user_add", False): (MAY_ADMINISTER, MAY_ADMINISTER),
    ("auth_group_changelist", False): (MAY_ADMINISTER, MAY_ADMINISTER),
    ("auth_group_add", False): (NONE, NONE),
    ("mediapipe_apitoken_changelist", False): (MAY_ADMINISTER, MAY_ADMINISTER),
    ("mediapipe_apitoken_add", False): (NONE, NONE),
    ("django_celery_results_taskresult_changelist", False): (MAY_VIEW, MAY_VIEW),
    ("django_celery_results_taskresult_add", False): (NONE, NONE),
    **{(f"mediapipe_{model}_changelist", False): (MAY_VIEW, MAY_VIEW) for model in MODELS},
    **{(f"mediapipe_{model}_add", False): (NONE, NONE) for model in MODELS},
}
CASES = [
    (user, name, about_item, method)
    for user, (name, about_item), method in product(USERS, RULES, ("get", "post"))
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


def client_of(user: str) -> Client:
    if user == ANONYMOUS:
        return Client()
    return client_with_role("" if user == NO_ROLE else user)


@pytest.mark.parametrize(("user", "name", "about_item", "method"), CASES)
def test_each_address_is_open_only_to_the_permitted_roles(
    failed: MediaItem, user: str, name: str, about_item: bool, method: str
) -> None:
    url = reverse(f"admin:{name}", args=[failed.pk] if about_item else [])
    allowed = RULES[name, about_item][method == "post"]
    answer = getattr(client_of(user), method)(url)
    if user in (ANONYMOUS, NO_ROLE):
        assert (answer.status_code, "/login/" in answer["Location"]) == (302, True)
    else:
        assert (answer.status_code in (200, 302)) == (user in allowed)
        assert user in allowed or answer.status_code == 403


@pytest.mark.parametrize("user", USERS)
def test_only_roles_that_may_retry_can_retry_an_item(failed: MediaItem, user: str) -> None:
    client = client_of(user)
    yes = {"confirmed": "yes", "include": failed.error}
    ticked = {"action": "try_again", "_selected_action": [failed.pk]}
    client.post(reverse(f"admin:{LIST}"), ticked | yes)
    client.post(reverse("admin:mediapipe_mediaitem_retry_all"), yes)
    client.post(reverse("admin:mediapipe_mediaitem_retry", args=[failed.pk]))
    failed.refresh_from_db()
    assert (failed.status == Status.QUEUED) == (user in MAY_ACT)


@pytest.mark.parametrize("user", USERS)
@pytest.mark.parametrize("action", ["delete_selected", "nonsense"])
def test_no_role_can_delete_from_a_list(failed: MediaItem, user: str, action: str) -> None:
    ticked = {"action": action, "_selected_action": [failed.pk], "post": "yes"}
    client_of(user).post(reverse(f"admin:{LIST}"), ticked)
    assert MediaItem.objects.filter(pk=failed.pk).exists()


@pytest.mark.parametrize("user", USERS)
@pytest.mark.parametrize("form", ["csv", "jsonl"])
def test_only_roles_that_may_export_get_an_exported_file(
    failed: MediaItem, user: str, form: str
) -> None:
    answer = client_of(user).get(reverse("admin:mediapipe_mediaitem_export", args=[form]))
    assert (answer.status_code == 200) == (user in MAY_ACT)


@pytest.mark.parametrize("user", USERS)
def test_only_roles_that_may_see_media_learn_that_a_file_does_not_exist(
    failed: MediaItem, user: str
) -> None:
    answer = client_of(user).get(reverse("admin:mediapipe_mediaitem_file", args=[failed.pk]))
    # The file does not exist, and only those who may see media get to know that.
    assert (answer.status_code == 404) == (user in MAY_VIEW)


def test_a_form_without_a_csrf_token_is_refused_and_changes_nothing(failed: MediaItem) -> None:
    client_with_role(roles.SUPPORT)
    client = Client(enforce_csrf_checks=True)
    client.force_login(User.objects.get(username="a Support"))
    for name, about_item in RULES:
        url = reverse(f"admin:{name}", args=[failed.pk] if about_item else [])
        assert client.post(url, {"confirmed": "yes"}).status_code == 403
    failed.refresh_from_db()
    assert failed.status == Status.FAILED
