"""Who may do what: three groups, made anew after each migration, and how a user gets into one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.apps import AppConfig
from django.apps import apps as installed
from django.apps.registry import Apps
from django.db.models import Q

if TYPE_CHECKING:
    from django.contrib.auth.models import User

VIEWER, SUPPORT, ADMINISTRATOR = ROLES = ("Viewer", "Support", "Administrator")

# The apps whose rows a role is about, and so whose permissions have to be there first.
APPS = ("mediapipe", "django_celery_results", "admin", "contenttypes", "auth")
# What may be seen: every list of ours, and what became of each task.
SEEN = Q(content_type__app_label__in=["mediapipe", "django_celery_results"]) & Q(
    codename__startswith="view_"
)
# It begins like the others, but is about more than a list.
NUMBERS = "view_numbers"
# Whose program reads the API is the business of who gives tokens out.
TOKENS = "view_apitoken"
SUPPORTS = (NUMBERS, "retry_mediaitem", "export_mediaitem", "manage_incident")
USERS = ("add_user", "change_user", "delete_user", "view_user", "view_group", "view_logentry")

MAY: dict[str, Q] = {
    VIEWER: SEEN & ~Q(codename__in=[NUMBERS, TOKENS]),
    SUPPORT: SEEN & ~Q(codename=TOKENS) | Q(codename__in=SUPPORTS),
    ADMINISTRATOR: SEEN | Q(codename__in=(*SUPPORTS, *USERS)),
}


def make_roles(sender: AppConfig, *, using: str, apps: Apps = installed, **kwargs: Any) -> None:
    """Give each role's group what the role may do today; Django calls it after each `migrate`.

    A migration could not: the permissions that a group is given are made after the last one.
    """
    try:
        group_model = apps.get_model("auth", "Group")
        permission_model = apps.get_model("auth", "Permission")
    except LookupError:
        # Only some apps were migrated; the roles come with the rest.
        return
    _make_permissions(apps, using)
    permissions = permission_model._default_manager.using(using)
    for role, may in MAY.items():
        group, _ = group_model._default_manager.using(using).get_or_create(name=role)
        group.permissions.set(permissions.filter(may))


def assign(user: User, role: str) -> None:
    """Put the user into this role alone, and let it log in to the admin."""
    from django.contrib.auth.models import Group

    user.groups.remove(*Group.objects.filter(name__in=ROLES))
    user.groups.add(Group.objects.get(name=role))
    user.is_staff = True
    user.save(update_fields=["is_staff"])


def _make_permissions(migrated: Apps, using: str) -> None:
    # Django makes them app by app, and ours is the first of the apps.
    from django.contrib.auth.management import create_permissions

    for label in APPS:
        config = installed.get_app_config(label)
        create_permissions(config, verbosity=0, using=using, apps=migrated)
