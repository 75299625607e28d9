import re
from typing import Any

from django import template
from django.urls import reverse
from django.utils.html import escape
from django.utils.safestring import SafeString, mark_safe

from mediapipe.admin import text
from mediapipe.admin.navigation import list_title
from mediapipe.admin.task_results import state_label
from mediapipe.fetching.media_types import is_same

register = template.Library()

register.filter("plain", text.plain)
register.filter("state", text.state_label)
register.filter("timestamp", text.timestamp)
register.filter("local_time", text.local_time)
register.filter("duration", text.duration)
register.filter("delay", text.propagation_delay)
register.filter("size", text.size)
register.filter("account", text.account)
register.filter("grouped", text.grouped)
register.filter("counted", text.counted)
register.filter("is_same_type", is_same)
register.filter("list_title", list_title)
register.filter("task_state", state_label)


@register.filter
def active_choice(choices: list[dict[str, Any]]) -> dict[str, Any] | None:
    """Return the selected choice of a list's filter; None for the first, which selects all rows."""
    return next((choice for choice in choices[1:] if choice["selected"]), None)


@register.filter
def linked_jobs(message: str) -> SafeString:
    """Return an entry of the audit trail with links to the jobs that it names."""
    linked = re.sub(r"\bjob ([0-9]{1,9})\b", _job_link, escape(text.plain(message)))
    return mark_safe(linked)  # noqa: S308  (escaped above)


def _job_link(found: re.Match[str]) -> str:
    return f'<a href="{reverse("admin:bulk_job", args=[found[1]])}">{found[0]}</a>'
