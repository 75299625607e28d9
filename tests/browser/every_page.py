"""The path of every page of the admin, in a service with a generated history."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager

from tests.browser.person import USERS
from tests.support.service import Service

MEDIA = "1500"
MISSING = "/admin/mediapipe/mediaitem/999999999/change/"
# A viewer gets a 403.
FORBIDDEN = "/admin/accounts/pause/"
# Responds 500 within `failing`.
FAILING = "/admin/mediapipe/webhookroute/"
RENAME = """
from django.db import connection
connection.cursor().execute("ALTER TABLE {} RENAME TO {}")
"""
# A user who may see all lists, including users and groups; the password is the name.
CREATE_SUPERUSER = """
from django.contrib.auth.models import User
User.objects.create_superuser("root", password="root")
"""
# One detail page for each value of these columns.
FIND = """
import json
from django.contrib import admin
from django.urls import reverse
from mediapipe.admin.pages import PAGES
from mediapipe.models import BulkJob, Incident

KINDS = {
    "mediaitem": "status", "incident": "state", "handoff": "status", "deletion": "status",
    "gatewaydelivery": "status", "webhookevent": "kind", "notice": "status",
}
found = {page.name: f"/admin/{page.path}" for page in PAGES if page.title}
for model, options in admin.site._registry.items():
    name = model._meta.model_name
    at = f"admin:{model._meta.app_label}_{name}"
    found[f"{name}-list"] = reverse(f"{at}_changelist")
    rows = model._default_manager.order_by("pk")
    column = KINDS.get(name)
    values = set(rows.values_list(column, flat=True)) if column else {None}
    for value in sorted(values, key=str):
        row = (rows.filter(**{column: value}) if column else rows).last()
        if row is not None:
            kind = f"{name}-{value}" if column else name
            found[kind] = reverse(f"{at}_change", args=[row.pk])
for job in BulkJob.objects.all():
    found[f"job-{job.action}"] = reverse("admin:bulk_job", args=[job.pk])
incident = Incident.objects.filter(cause="early_not_found").earliest("pk")
found["package"] = reverse("admin:incident_package", args=[incident.pk])
print(json.dumps(found))
"""
OTHERS = {
    "overview": "/admin/",
    "timing-7d": "/admin/timing/?period=7d",
    "failures-30d": "/admin/failures/?period=30d",
    "failures-retrying": "/admin/failures/?status__exact=retrying",
    "reasons": "/admin/failures/reasons/",
    "retry-confirm": "/admin/mediapipe/mediaitem/retry/?status__exact=failed",
    "give-up-confirm": "/admin/mediapipe/mediaitem/give-up/?status__exact=retrying",
    "pause-account": "/admin/accounts/pause/",
    "media-list-failed": "/admin/mediapipe/mediaitem/?status__exact=failed",
    "media-list-empty": "/admin/mediapipe/mediaitem/?q=SM00000000000000000000000000000000",
    "change-password": "/admin/password_change/",
    "user-add": "/admin/auth/user/add/",
}


def seed(service: Service, media: str = MEDIA) -> None:
    """Generate the history, a user for each role, and a superuser."""
    service.manage("seed_history", "--media", media)
    service.manage("shell", "--verbosity=0", "--command", USERS + CREATE_SUPERUSER)


@contextmanager
def failing(service: Service) -> Iterator[None]:
    """Rename the table of the page FAILING within the block, so that it responds with 500."""
    names = ("mediapipe_webhookroute", "taken_away")
    service.manage("shell", "--verbosity=0", "--command", RENAME.format(*names))
    try:
        yield
    finally:
        service.manage("shell", "--verbosity=0", "--command", RENAME.format(*reversed(names)))


def every_page(service: Service) -> dict[str, str]:
    """Return the path of each page that responds with 200, by a name for it."""
    found: dict[str, str] = json.loads(service.manage("shell", "--verbosity=0", "--command", FIND))
    return OTHERS | found
