from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.apps import AppConfig
from django.apps import apps as installed
from django.apps.registry import Apps
from django.db.models import Q

if TYPE_CHECKING:
    from django.contrib.auth.models import AnonymousUser, User

VIEWER, SUPPORT, ADMINISTRATOR = ROLES = ("Viewer", "Support", "Administrator")

# The apps whose permissions the roles use.
APPS = ("mediapipe", "django_celery_results", "admin", "contenttypes", "auth")
# Models that have no list: other pages show them.
NO_LISTS = ("fetchattempt", "heartbeat", "incidentmedia", "incidentstep", "repeatedwebhook")
# All our lists, and the results of the tasks.
VIEW = Q(
    ~Q(content_type__model__in=NO_LISTS),
    content_type__app_label="mediapipe",
    codename__startswith="view_",
) | Q(codename="view_taskresult")
# Phone numbers and texts. It begins with view_ as well, but is not the permission for a list.
NUMBERS = "view_numbers"
# Tokens show which programs read the API, which is for administrators only.
TOKENS = "view_apitoken"
SUPPORT_PERMISSIONS = (
    NUMBERS,
    "retry_mediaitem",
    "give_up_mediaitem",
    "export_mediaitem",
    "manage_incident",
    "pause_accounthealth",
    "refresh_webhookroute",
)
USER_PERMISSIONS = (
    "add_user",
    "change_user",
    "view_user",
    "view_group",
    "view_logentry",
)

PERMISSIONS: dict[str, Q] = {
    VIEWER: VIEW & ~Q(codename__in=[NUMBERS, TOKENS]),
    SUPPORT: VIEW & ~Q(codename=TOKENS) | Q(codename__in=SUPPORT_PERMISSIONS),
    ADMINISTRATOR: VIEW | Q(codename__in=(*SUPPORT_PERMISSIONS, *USER_PERMISSIONS)),
}


def make_roles(sender: AppConfig, *, using: str, apps: Apps = installed, **kwargs: Any) -> None:
    """Set each group's permissions; called after each `migrate`.

    A migration could not do it: Django creates the permissions after the last one.
    """
    try:
        group_model = apps.get_model("auth", "Group")
        permission_model = apps.get_model("auth", "Permission")
    except LookupError:
        # Only some apps were migrated; the roles are set after the rest.
        return
    from django.contrib.auth.management import create_permissions

    # Django creates them app by app after `migrate`, and ours is the first of the apps.
    for label in APPS:
        config = installed.get_app_config(label)
        create_permissions(config, verbosity=0, using=using, apps=apps)
    permissions = permission_model._default_manager.using(using)
    for role, allowed in PERMISSIONS.items():
        group, _ = group_model._default_manager.using(using).get_or_create(name=role)
        group.permissions.set(permissions.filter(allowed))


def assign(user: User, role: str) -> None:
    """Give the user this role and no other, and access to the admin."""
    from django.contrib.auth.models import Group

    user.groups.remove(*Group.objects.filter(name__in=ROLES))
    user.groups.add(Group.objects.get(name=role))
    user.is_staff = True
    user.save(update_fields=["is_staff"])


def names(user: User | AnonymousUser) -> list[str]:
    """Return the names of the user's roles, Superuser first."""
    superuser = ["Superuser"] if user.is_superuser else []
    return [*superuser, *(group.name for group in user.groups.all())]
