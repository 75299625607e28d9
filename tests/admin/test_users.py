"""Users: an administrator can neither gain others' rights nor remove traces of what was done."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Group, Permission, User
from django.test import Client
from django.urls import reverse

from mediapipe.operations import roles
from mediapipe.operations.audit_log import log_action
from tests.support.admin import page

pytestmark = pytest.mark.django_db

PASSWORD = {"password1": "a long pass phrase", "password2": "a long pass phrase"}


@pytest.fixture
def mallory() -> User:
    user = User.objects.create_user("mallory")
    roles.assign(user, roles.ADMINISTRATOR)
    log_action(user, "all", "Exported everything.")
    return user


@pytest.fixture
def client(mallory: User) -> Client:
    client = Client()
    client.force_login(mallory)
    return client


def form_of(user: User, **changes: Any) -> dict[str, Any]:
    return {"username": user.username, "is_active": "on", **changes}


def change(client: Client, user: User, **changes: Any) -> int:
    url = reverse("admin:auth_user_change", args=[user.pk])
    return client.post(url, form_of(user, **changes)).status_code


def test_an_administrator_can_deactivate_a_user(client: Client) -> None:
    ada = User.objects.create_user("ada", is_staff=True)
    assert change(client, ada, is_active="") == 302
    ada.refresh_from_db()
    assert not ada.is_active


@pytest.mark.parametrize("superuser", [False, True])
def test_a_user_cannot_be_deleted(client: Client, mallory: User, superuser: bool) -> None:
    User.objects.update(is_superuser=superuser)
    url = reverse("admin:auth_user_delete", args=[mallory.pk])
    assert client.post(url, {"post": "yes"}).status_code == 403
    ticked = {"action": "delete_selected", "_selected_action": [mallory.pk], "post": "yes"}
    client.post(reverse("admin:auth_user_changelist"), ticked)
    assert LogEntry.objects.filter(user=mallory).exists()


def test_an_administrator_cannot_become_a_superuser(client: Client, mallory: User) -> None:
    assert change(client, mallory, is_superuser="on", groups=[]) == 302
    mallory.refresh_from_db()
    assert not mallory.is_superuser


def test_an_administrator_cannot_make_another_user_a_superuser(client: Client) -> None:
    ada = User.objects.create_user("ada")
    assert change(client, ada, is_superuser="on") == 302
    ada.refresh_from_db()
    assert not ada.is_superuser


def test_an_administrator_cannot_grant_single_permissions(client: Client, mallory: User) -> None:
    every = list(Permission.objects.values_list("pk", flat=True))
    assert change(client, mallory, user_permissions=every) == 302
    assert not mallory.user_permissions.exists()


def test_a_group_with_more_rights_cannot_be_chosen(client: Client, mallory: User) -> None:
    root = Group.objects.create(name="Root")
    root.permissions.set(Permission.objects.all())
    # The form is shown again, with an error at the field.
    assert change(client, mallory, groups=[root.pk]) == 200
    assert root not in mallory.groups.all()


@pytest.mark.parametrize("active", [True, False])
@pytest.mark.parametrize("page", ["auth_user_change", "auth_user_password_change"])
def test_an_administrator_cannot_take_over_a_superuser(
    client: Client, page: str, active: bool
) -> None:
    root = User.objects.create_superuser("root", password="a long password", is_active=active)
    answer = client.post(reverse(f"admin:{page}", args=[root.pk]), form_of(root) | PASSWORD)
    root.refresh_from_db()
    assert (answer.status_code, root.is_active) == (403, active)
    assert root.check_password("a long password")


def test_an_administrator_cannot_take_over_a_user_of_a_stronger_group(client: Client) -> None:
    root = Group.objects.create(name="Root")
    root.permissions.set(Permission.objects.all())
    ada = User.objects.create_user("ada", is_active=False)
    ada.groups.add(root)
    url = reverse("admin:auth_user_password_change", args=[ada.pk])
    assert client.post(url, PASSWORD).status_code == 403


def test_a_superuser_can_make_another_user_a_superuser(admin_client: Client) -> None:
    ada = User.objects.create_user("ada")
    assert change(admin_client, ada, is_superuser="on") == 302
    ada.refresh_from_db()
    assert ada.is_superuser


def fields(client: Client, name: str, *args: Any) -> set[str]:
    """Return the names of the fields of a form."""
    html = page(client, name, *args)
    return set(re.findall(r'<input[^>]* name="(\w+)"', html)) - {"csrfmiddlewaretoken"}


def test_an_administrator_can_set_only_name_email_role_and_active_state(client: Client) -> None:
    ada = User.objects.create_user("ada")
    person = {"username", "first_name", "last_name", "email", "groups", "is_active"}
    found = fields(client, "auth_user_change", ada.pk)
    assert {name for name in found if not name.startswith("_")} == person


def test_only_a_superuser_sees_the_superuser_field(admin_client: Client, client: Client) -> None:
    ada = User.objects.create_user("ada")
    assert "is_superuser" in fields(admin_client, "auth_user_change", ada.pk)
    assert "is_superuser" not in fields(client, "auth_user_change", ada.pk)


def test_a_user_who_is_given_a_role_may_log_in(client: Client) -> None:
    ada = User.objects.create_user("ada")
    role = Group.objects.get(name=roles.SUPPORT)
    assert change(client, ada, groups=[role.pk]) == 302
    ada.refresh_from_db()
    assert ada.is_staff
    assert list(ada.groups.all()) == [role]


def test_a_user_whose_role_is_removed_may_not_log_in(client: Client) -> None:
    ada = User.objects.create_user("ada")
    roles.assign(ada, roles.VIEWER)
    assert change(client, ada) == 302
    ada.refresh_from_db()
    assert not ada.is_staff


def test_a_superuser_may_log_in_without_a_role(admin_client: Client) -> None:
    admin = User.objects.get(username="admin")
    assert change(admin_client, admin, is_superuser="on") == 302
    admin.refresh_from_db()
    assert admin.is_staff


def test_a_new_user_has_the_role_at_once(client: Client) -> None:
    role = Group.objects.get(name=roles.VIEWER)
    new = {"username": "ada", "usable_password": "true", "groups": [role.pk], **PASSWORD}
    assert client.post(reverse("admin:auth_user_add"), new).status_code == 302
    ada = User.objects.get(username="ada")
    assert ada.is_staff
    assert list(ada.groups.all()) == [role]


def test_the_list_of_users_names_roles_and_states(admin_client: Client, client: Client) -> None:
    User.objects.create_user("ada", is_active=False)
    html = page(admin_client, "auth_user_changelist")
    cells = re.findall(r'class="field-(?:role|state)">([^<]*)<', html)
    assert cells == ["none", "deactivated", "Superuser", "active", "Administrator", "active"]


def test_the_page_of_a_role_lists_its_permissions_read_only(client: Client) -> None:
    role = Group.objects.get(name=roles.SUPPORT)
    html = page(client, "auth_group_change", role.pk)
    assert "<h1>View role</h1>" in html
    assert "<li>Can retry failed media items</li>" in html
    assert "<input" not in html.partition("<fieldset")[2].partition("</fieldset>")[0]


def test_only_permissions_that_have_an_effect_can_be_chosen_for_a_role(
    admin_client: Client,
) -> None:
    html = page(admin_client, "auth_group_add")
    assert "Can retry failed media items" in html
    for without in ("chord counter", "Can delete", "content type", "Can change media item"):
        assert without not in html


def test_a_superuser_can_add_a_role(admin_client: Client) -> None:
    one = Permission.objects.get(codename="view_mediaitem")
    new = {"name": "Auditor", "permissions": [one.pk]}
    assert admin_client.post(reverse("admin:auth_group_add"), new).status_code == 302
    assert list(Group.objects.get(name="Auditor").permissions.all()) == [one]
