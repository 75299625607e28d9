from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.contrib.admin.models import CHANGE, LogEntry
from django.core.exceptions import PermissionDenied
from django.db.models import Model, QuerySet
from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import get_object_or_404
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html_join
from django_celery_results.models import TaskResult

from mediapipe.admin.files import file_answer, preview
from mediapipe.admin.readonly import ReadOnlyAdmin, ReadOnlyInline
from mediapipe.delays import queue_lag_s, span
from mediapipe.failures import Failure
from mediapipe.models import FetchAttempt, MediaItem
from tasks.dispatch import dispatch

MEANINGS = {failure.slug: failure for failure in Failure.all()}


class EarlyNotFoundFilter(admin.SimpleListFilter):
    """Whether the webhook was faster than the media."""

    title = "early 404"
    parameter_name = "early_404"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("yes", "At least one"), ("no", "None")]

    def queryset(self, request: HttpRequest, media: QuerySet[MediaItem]) -> QuerySet[MediaItem]:
        lookups: dict[str | None, dict[str, int]] = {
            "yes": {"not_found_count__gt": 0},
            "no": {"not_found_count": 0},
        }
        return media.filter(**lookups.get(self.value(), {}))


class AttemptInline(ReadOnlyInline):
    model = FetchAttempt
    verbose_name_plural = "attempts"
    fields = (
        "phase",
        "started",
        "took",
        "outcome",
        "detail",
        "http_status",
        "twilio_code",
        "twilio_request_id",
        "redirect_host",
        "bytes_received",
        "worker",
    )
    readonly_fields = ("started", "took")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Model]:
        """Bring the media item along, whose webhook each attempt is timed against."""
        return super().get_queryset(request).select_related("media")

    @admin.display(description="after the webhook")
    def started(self, attempt: FetchAttempt) -> str:
        since = attempt.started_at - attempt.media.received_at
        return f"+{since.total_seconds():.3f} s"

    @admin.display(description="took")
    def took(self, attempt: FetchAttempt) -> str:
        return "-" if attempt.duration_s is None else f"{attempt.duration_s:.3f} s"


@admin.register(MediaItem)
class MediaItemAdmin(ReadOnlyAdmin):
    """One media file on its way from the webhook to the storage."""

    list_display = (
        "__str__",
        "status",
        "error",
        "received_at",
        "attempts",
        "not_found_count",
        "propagation_delay",
        "content_type",
        "size",
    )
    list_filter = ("status", "error", EarlyNotFoundFilter, "kind", "received_at")
    search_fields = ("=media_sid", "=event__subject_sid", "=event__call_sid")
    search_help_text = "A whole media, message, recording or call SID."
    date_hierarchy = "received_at"
    inlines = (AttemptInline,)
    actions = ("try_again",)
    fields = (
        ("status", "error", "what_it_means"),
        "detail",
        ("kind", "event", "account_sid"),
        ("media_sid", "media_url"),
        ("received_at", "first_attempt_at", "queue_lag"),
        ("last_not_found_at", "found_at", "propagation_delay"),
        ("retrieved_at", "next_attempt_at"),
        ("attempts", "not_found_count", "interruptions"),
        ("http_status", "twilio_code", "twilio_request_id"),
        ("declared_content_type", "content_type", "size"),
        ("storage_name", "sha256"),
        "preview",
        "task_results",
    )
    readonly_fields = ("preview", "what_it_means", "queue_lag", "propagation_delay", "task_results")

    def get_urls(self) -> list[URLPattern]:
        file = path(
            "<int:pk>/file/",
            self.admin_site.admin_view(self.file),
            name="mediapipe_mediaitem_file",
        )
        return [file, *super().get_urls()]

    def file(self, request: HttpRequest, pk: int) -> HttpResponseBase:
        """Give out the stored file to those who may see the media item."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        return file_answer(request, get_object_or_404(MediaItem, pk=pk))

    @admin.display(description="preview")
    def preview(self, media: MediaItem) -> str:
        return preview(media)

    def has_retry_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("mediapipe.retry_mediaitem")

    @admin.action(description="Try again the failed ones", permissions=["retry"])
    def try_again(self, request: HttpRequest, selected: QuerySet[MediaItem]) -> None:
        """Put the failed items of the selection back to work, and write down who did it."""
        chosen = MediaItem.objects.filter(pk__in=selected.values("pk"))
        skipped = chosen.count()
        ids = chosen.retry()
        dispatch(ids)
        LogEntry.objects.log_actions(
            str(request.user.pk),
            MediaItem.objects.filter(pk__in=ids),
            CHANGE,
            change_message="Put back to work.",
        )
        self.message_user(
            request, f"{len(ids)} put back to work, {skipped - len(ids)} skipped: not failed."
        )

    @admin.display(description="what it means, what to do")
    def what_it_means(self, media: MediaItem) -> str:
        failure = MEANINGS.get(media.error)
        return f"{failure.meaning()} {failure.todo}" if failure else "-"

    @admin.display(description="queue lag")
    def queue_lag(self, media: MediaItem) -> str:
        lag_s = queue_lag_s(media)
        return "-" if lag_s is None else f"{lag_s:.2f} s"

    @admin.display(description="propagation delay")
    def propagation_delay(self, media: MediaItem) -> str:
        return str(span(media) or "-")

    @admin.display(description="task results")
    def task_results(self, media: MediaItem) -> str:
        ids = media.attempt_set.exclude(task_id="").values_list("task_id", flat=True)
        results = TaskResult.objects.filter(task_id__in=set(ids)).order_by("date_created")
        links = ((self._result_url(result), result.task_id, result.status) for result in results)
        return format_html_join(", ", '<a href="{}">{}</a> ({})', links) or "-"

    def _result_url(self, result: TaskResult) -> str:
        return reverse("admin:django_celery_results_taskresult_change", args=[result.pk])
