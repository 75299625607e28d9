"""Three roles come with each migration, and a command puts a user into one of them."""

from __future__ import annotations

import io
from collections.abc import Iterable
from typing import Any

import pytest
from django.contrib.admin import site
from django.contrib.auth.models import Group, Permission, User
from django.core.management import CommandError, call_command

from mediapipe.operations import roles

pytestmark = [pytest.mark.django_db, pytest.mark.database]

EVERY_ROLE = sorted(roles.ROLES)


def user(name: str = "ada", **changes: Any) -> User:
    return User.objects.create_user(name, password="a long password", **changes)


def permissions_of(someone: User) -> set[str]:
    """Return all permissions of the user, read from the database again."""
    return set(User.objects.get(pk=someone.pk).get_all_permissions())


def role(*arguments: str) -> str:
    output = io.StringIO()
    call_command("role", *arguments, stdout=output)
    return output.getvalue().strip()


def names(groups: Iterable[Group]) -> list[str]:
    return sorted(group.name for group in groups)


def test_a_migrated_database_has_the_three_roles() -> None:
    assert names(Group.objects.all()) == EVERY_ROLE


def test_an_older_database_gets_roles_and_permissions_with_the_next_migrate() -> None:
    Group.objects.all().delete()
    Permission.objects.all().delete()
    call_command("migrate", verbosity=0)
    assert names(Group.objects.all()) == EVERY_ROLE
    assert Group.objects.get(name=roles.SUPPORT).permissions.filter(codename="view_numbers")


def test_a_viewer_may_only_view_and_may_not_see_unmasked_numbers() -> None:
    viewer = user()
    roles.assign(viewer, roles.VIEWER)
    assert {name.split(".")[1].split("_")[0] for name in permissions_of(viewer)} == {"view"}
    assert "mediapipe.view_mediaitem" in permissions_of(viewer)
    assert "mediapipe.view_numbers" not in permissions_of(viewer)


def test_an_administrator_may_view_exactly_the_models_that_have_a_list() -> None:
    administrator = Group.objects.get(name=roles.ADMINISTRATOR)
    viewed = administrator.permissions.filter(codename__startswith="view_")
    seen = {permission.content_type.model_class() for permission in viewed}
    assert seen == set(site._registry)


def test_each_role_includes_the_permissions_of_the_previous_one() -> None:
    viewer, support, administrator = (user(name) for name in ("ada", "ben", "cleo"))
    for someone, name in zip((viewer, support, administrator), roles.ROLES, strict=True):
        roles.assign(someone, name)
    assert permissions_of(viewer) < permissions_of(support) < permissions_of(administrator)
    gained = {"mediapipe.view_numbers", "mediapipe.retry_mediaitem", "mediapipe.export_mediaitem"}
    assert gained <= permissions_of(support) - permissions_of(viewer)
    assert "auth.change_user" in permissions_of(administrator) - permissions_of(support)


def test_the_role_command_replaces_the_role_of_a_user_and_allows_login() -> None:
    ada = user()
    assert role("ada", "viewer") == "ada now has the role Viewer."
    role("ada", "support")
    ada.refresh_from_db()
    assert (names(ada.groups.all()), ada.is_staff) == ([roles.SUPPORT], True)


def test_the_role_command_keeps_the_other_groups_of_a_user() -> None:
    ada = user()
    ada.groups.add(Group.objects.create(name="Night shift"))
    role("ada", "viewer")
    assert names(ada.groups.all()) == ["Night shift", roles.VIEWER]


def test_the_role_command_warns_that_a_role_does_not_limit_a_superuser() -> None:
    user(is_superuser=True)
    assert "so the role limits nothing" in role("ada", "viewer")


def test_an_unknown_user_is_refused_with_a_hint_to_use_the_new_option() -> None:
    with pytest.raises(CommandError, match=r"User 'ada' does not exist. Create it with --new."):
        role("ada", "viewer")


def test_a_new_user_is_created_with_the_typed_password(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("mediapipe.management.commands.role.getpass", lambda _: "long enough, yes")
    role("ada", "viewer", "--new")
    assert User.objects.get(username="ada").check_password("long enough, yes")


def test_a_password_that_is_too_common_is_refused_and_creates_no_user(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("mediapipe.management.commands.role.getpass", lambda _: "password")
    with pytest.raises(CommandError, match="too common"):
        role("ada", "viewer", "--new")
    assert not User.objects.exists()
