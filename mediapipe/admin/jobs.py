"""Jobs that retry or give up on many media items: their progress, and the outcome for the items."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import urlencode

from django.core.exceptions import PermissionDenied
from django.db.models import Count
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse

from mediapipe.admin.bulk_changes import MAY_GIVE_UP, MAY_RETRY
from mediapipe.admin.pages import page, render_page
from mediapipe.admin.text import counted, grouped
from mediapipe.failures import GivenUp
from mediapipe.models import BulkAction, BulkJob, Status
from mediapipe.models.status import UNFINISHED

# The newest ones; older jobs are in the audit trail.
MAX_JOBS = 50
REFRESH_S = 2


@dataclass(frozen=True, slots=True)
class JobOutcome:
    """How many items of a job are in one state now, and the URL of their list."""

    status: str
    reason: str
    count: int
    url: str

    @property
    def label(self) -> str:
        """The state as the page of a job names it, such as "failed again"."""
        if self.reason == GivenUp.slug:
            return "given up"
        state = {Status.STORED: "stored", Status.FAILED: "failed again"}.get(Status(self.status))
        if not state and self.status in UNFINISHED:
            state = "waiting"
        return f"{state or self.status}{f' ({self.reason})' if self.reason else ''}"


def job_outcomes(job: BulkJob) -> Iterator[JobOutcome]:
    """Yield the states that the items of a job are in now, the largest group first."""
    groups = job.media.order_by().values_list("status", "error").annotate(count=Count("pk"))
    for status, reason, count in groups.order_by("-count", "status", "error"):
        query = {"job": job.pk, "status__exact": status}
        if reason:
            query["error__exact"] = reason
        url = f"{reverse('admin:mediapipe_mediaitem_changelist')}?{urlencode(query)}"
        yield JobOutcome(status, reason, count, url)


@page("jobs/", name="bulk_jobs", title="Retries", permission=MAY_RETRY)
def job_list(request: HttpRequest) -> HttpResponse:
    """Show the newest jobs with their outcomes."""
    jobs = BulkJob.objects.select_related("by").order_by("-pk")
    if not request.user.has_perm(MAY_GIVE_UP):
        jobs = jobs.exclude(action=BulkAction.GIVE_UP)
    rows = [(job, list(job_outcomes(job))) for job in jobs[:MAX_JOBS]]
    return render_page(request, "bulk_jobs.html", title="Retries", rows=rows)


@page("jobs/<int:pk>/", name="bulk_job")
def job_page(request: HttpRequest, pk: int) -> HttpResponse:
    """Show the progress of a job, as a page or as JSON for its script."""
    job = get_object_or_404(BulkJob.objects.select_related("by"), pk=pk)
    gives_up = job.action == BulkAction.GIVE_UP
    if not request.user.has_perm(MAY_GIVE_UP if gives_up else MAY_RETRY):
        raise PermissionDenied
    skipped = f", {counted(job.skipped, 'item')} skipped" if job.skipped else ""
    changed = f"{counted(job.changed, 'item')} {'given up' if gives_up else 'retried'}{skipped}"
    if job.finished_at:
        progress = f"Done: {changed}."
    else:
        progress = f"{grouped(job.done)} of {grouped(job.total)} processed: {changed}."
    if request.headers.get("Accept") == "application/json":
        return JsonResponse({"done": job.done, "total": job.total, "text": progress})
    outcomes = list(job_outcomes(job))
    return render_page(
        request,
        "bulk_job.html",
        title=f"{job.get_action_display()}: {counted(job.total, 'media item')}",
        job=job,
        text=progress,
        outcomes=outcomes,
        # The outcomes change until every item has ended.
        refresh_s=REFRESH_S if any(one.status in UNFINISHED for one in outcomes) else 0,
    )
