"""The order of the navigation: what is watched every day first, then what is set up once."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db.models import Model
from django.db.models.options import Options
from django.http import HttpRequest
from django.urls import reverse
from django.utils.text import capfirst

from mediapipe.admin.pages import PAGES
from mediapipe.admin.readonly import CAP
from mediapipe.models import Incident

# The object names of models, and the names of our own pages.
WATCH = (
    "overview",
    "MediaItem",
    "failures",
    "timing",
    "Incident",
    "WebhookEvent",
    "HandOff",
    "GatewayDelivery",
    "Deletion",
    "bulk_jobs",
)
# Entries that are not listed here follow in alphabetical order.
SETUP = (
    "WebhookRoute",
    "Rejection",
    "Reconciliation",
    "AccountHealth",
    "Notice",
    "ApiToken",
    "retry_lab",
    "User",
    "Group",
    "LogEntry",
)
# Django marks an entry as current if the path contains its URL. Every path contains that of the
# index page, but none contains a fragment.
OVERVIEW = "#content-start"


def navigation(request: HttpRequest, apps: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return Django's lists and our own pages in two groups, in Django's format."""
    entries = {entry["object_name"]: entry for app in apps for entry in app["models"]}
    for entry in entries.values():
        entry["name"] = list_title(entry["model"]._meta)
    entries |= {
        page.name: _entry(page.name, page.title, reverse(f"admin:{page.name}"))
        for page in PAGES
        if page.title and request.user.has_perm(page.permission)
    }
    entries["overview"] = _entry("overview", "Overview", reverse("admin:index") + OVERVIEW)
    if "Incident" in entries and (ongoing := Incident.objects.ongoing()[: CAP + 1].count()):
        entries["Incident"]["name"] = f"Incidents ({ongoing})"
    others = sorted(
        entries.keys() - set(WATCH) - set(SETUP), key=lambda name: entries[name]["name"]
    )
    groups = (("Watch", WATCH), ("Setup", (*SETUP, *others)))
    return [
        {
            "name": title,
            "app_label": title.lower(),
            "app_url": reverse("admin:index"),
            "has_module_perms": True,
            "models": [entries[name] for name in names if name in entries],
        }
        for title, names in groups
    ]


def list_title(opts: Options[Model]) -> str:
    """Return the title of a model's list: `list_title` of its admin, or the plural of its name."""
    title = getattr(admin.site.get_model_admin(opts.model), "list_title", "")
    return title or capfirst(str(opts.verbose_name_plural))


def _entry(name: str, title: str, url: str) -> dict[str, Any]:
    return {
        "name": title,
        "object_name": name,
        "admin_url": url,
        "add_url": None,
        "view_only": True,
        "perms": {"view": True},
    }
