"""Changes to many media items: those selected in the list, or all that match its filters.

The user confirms a change on a page; a job then changes the items in batches.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from django.contrib import admin, messages
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.db.models import Count, Model, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect

from mediapipe.admin.pages import filtered_rows_with_label, render_page
from mediapipe.admin.summary import FAILURES
from mediapipe.admin.text import counted
from mediapipe.failures import Failure, Outlook
from mediapipe.models import BulkAction, BulkJob, MediaItem
from mediapipe.models.media.item import MediaQuerySet
from mediapipe.operations.audit_log import log_action
from mediapipe.operations.manual_control import MAX_REASON, clean_reason
from tasks.bulk_jobs import run_next_batch

EXAMPLES = 10
MAY_RETRY = "mediapipe.retry_mediaitem"
MAY_GIVE_UP = "mediapipe.give_up_mediaitem"


@dataclass(frozen=True, slots=True)
class BulkChange:
    """What a job does, the name of its list action, and the template of its confirmation page.

    `changeable` selects the items that the job can change, and `done` is the verb of its log entry.
    With `by_reason` the user chooses the failure reasons whose items are changed.
    """

    action: BulkAction
    list_action: str
    done: str
    template: str
    changeable: Callable[[MediaQuerySet], MediaQuerySet]
    needs_reason: bool = False
    by_reason: bool = False


@dataclass(frozen=True, slots=True)
class ReasonGroup:
    """How many of the chosen items have this reason, and whether a retry can help them."""

    slug: str
    count: int
    failure: type[Failure] | None

    @property
    def is_hopeless(self) -> bool:
        return bool(self.failure and self.failure.outlook == Outlook.HOPELESS)


def change_selected(
    request: HttpRequest, selected: QuerySet[MediaItem], change: BulkChange
) -> HttpResponse:
    """Show the confirmation page for the selected items; once confirmed, start the job."""
    chosen: Any = MediaItem.objects.filter(pk__in=selected.values("pk"))
    # With these fields the confirmation runs the list action on the same items again.
    ticked = [(ACTION_CHECKBOX_NAME, pk) for pk in request.POST.getlist(ACTION_CHECKBOX_NAME)]
    across = ("select_across", request.POST.get("select_across", "0"))
    fields = [("action", change.list_action), across, *ticked]
    return _ask_or_start(request, chosen, "selected in the list", change, fields)


def change_all(
    model_admin: admin.ModelAdmin[Model], request: HttpRequest, change: BulkChange
) -> HttpResponse:
    """Do the same with all items that match the list's filters."""
    rows, label = filtered_rows_with_label(model_admin, request)
    return _ask_or_start(request, rows, label, change)


def ask(
    request: HttpRequest,
    chosen: MediaQuerySet,
    label: str,
    change: BulkChange,
    fields: Sequence[tuple[str, str]] = (),
) -> HttpResponse:
    """Show what the change would do; the form sends `fields` along with the confirmation."""
    changeable = change.changeable(chosen)
    counts = dict(changeable.order_by().values_list("status").annotate(count=Count("pk")))
    total = sum(counts.values())
    return render_page(
        request,
        change.template,
        title=f"{change.action.label}: are you sure?",
        change=change,
        label=label,
        counts=counts,
        reasons=_reasons(changeable) if change.by_reason else [],
        total=total,
        # Not for all that match: counting the rows of a filter could read the whole table.
        others=chosen.count() - total if ("select_across", "0") in fields else 0,
        examples=changeable.order_by("-received_at")[:EXAMPLES],
        fields=fields,
        reason=request.POST.get("reason", ""),
        max_reason=MAX_REASON,
    )


def _reasons(media: MediaQuerySet) -> list[ReasonGroup]:
    counts = media.order_by().values_list("error").annotate(count=Count("pk"))
    groups = [ReasonGroup(slug, count, FAILURES.get(slug)) for slug, count in counts]
    return sorted(groups, key=lambda group: (group.is_hopeless, -group.count, group.slug))


def is_confirmed(request: HttpRequest) -> bool:
    return request.method == "POST" and bool(request.POST.get("confirmed"))


def confirmed_reason(request: HttpRequest) -> str:
    """Return the reason that was given with the confirmation, or "".

    An invalid reason also adds an error message to the next page.
    """
    if not is_confirmed(request):
        return ""
    try:
        return clean_reason(request.POST.get("reason", ""))
    except ValueError as error:
        messages.error(request, str(error))
        return ""


def _ask_or_start(
    request: HttpRequest,
    chosen: MediaQuerySet,
    label: str,
    change: BulkChange,
    fields: Sequence[tuple[str, str]] = (),
) -> HttpResponse:
    reason = confirmed_reason(request) if change.needs_reason else ""
    if not is_confirmed(request) or (change.needs_reason and not reason):
        return ask(request, chosen, label, change, fields)
    included = request.POST.getlist("include")
    if change.by_reason and not included:
        messages.error(request, "Choose at least one reason.")
        return ask(request, chosen, label, change, fields)
    if change.by_reason:
        chosen = chosen.filter(error__in=included)
    ids = change.changeable(chosen).order_by("pk").values_list("pk", flat=True)
    job = BulkJob.create(ids, by=request.user, chosen=label, action=change.action, reason=reason)
    what = f"{change.done} {counted(job.total, 'media item')} as job {job.pk}: {label}."
    log_action(request.user, label, f"{what} {reason}".strip())
    # A small job is finished before this response; a periodic task continues a large one.
    run_next_batch()
    return redirect("admin:bulk_job", job.pk)
