from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404
from django.urls import URLPattern, path
from django.utils.html import format_html
from django.utils.safestring import SafeString

from mediapipe.admin import (
    bulk_changes,
    exports,
    filters,
    giving_up,
    media_filters,
    media_page,
    packages,
    retries,
    search,
    text,
)
from mediapipe.admin.pages import not_posted
from mediapipe.admin.readonly import SearchableAdmin
from mediapipe.api.files import file_response
from mediapipe.failures import AccountRefused
from mediapipe.models import AccountHealth, MediaItem
from mediapipe.redaction import mask_parameter

COLUMNS = (
    "received",
    "name",
    "state",
    "reason",
    "sender",
    "type",
    "length",
    "delay",
    "tries",
    "belongs_to",
)


@admin.register(MediaItem)
class MediaItemAdmin(SearchableAdmin):
    """One media file on its way from the webhook to the storage."""

    explanation = (
        "One row per file that a webhook announced. Normally it is stored within seconds of the "
        "webhook."
    )
    empty = (
        "No media yet. Point a number at this service, run manage.py doctor, and send a picture "
        "to the number."
    )
    list_display = COLUMNS
    list_display_links = ("name",)
    list_filter = (
        filters.PeriodFilter,
        media_filters.StatusFilter,
        media_filters.EarlyNotFoundFilter,
        media_filters.SlowerThanFilter,
        media_filters.WaitingLongerThanFilter,
        filters.KindFilter,
        filters.AccountFilter,
        media_filters.ReasonFilter,
        media_filters.NotFoundBecauseFilter,
        media_filters.ContentTypeFilter,
        media_filters.HostFilter,
        media_filters.IncidentFilter,
        media_filters.JobFilter,
    )
    list_select_related = ("event",)
    ordering = ("-received_at",)
    sortable_by = ("received",)
    actions = ("try_again", "give_up", "package")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        paused = AccountHealth.objects.filter(paused_at__isnull=False).values("account_sid")
        rows: QuerySet[Any] = super().get_queryset(request)
        rows = rows.annotate(is_paused=Q(account_sid__in=paused))
        # Parameters are large, and no list shows them.
        return rows.defer("event__parameters")

    def get_list_display(self, request: HttpRequest) -> Any:
        """Return the columns; senders are masked for users who may not view numbers."""
        sees = request.user.has_perm("mediapipe.view_numbers")
        return [f"masked_{name}" if name == "sender" and not sees else name for name in COLUMNS]

    def matching(self, queryset: Any, query: search.SearchQuery) -> QuerySet[Any]:
        return search.matching_media(queryset, query)

    def get_urls(self) -> list[URLPattern]:
        """Add the URLs of actions on the list or on one item."""
        ours = (
            ("<int:pk>/file/", self.file, "file"),
            ("<int:pk>/retry/", self.retry_one, "retry"),
            ("retry/", self.retry_all, "retry_all"),
            ("<int:pk>/give-up/", self.give_up_one, "give_up"),
            ("give-up/", self.give_up_all, "give_up_all"),
            ("export/<slug:form>/", self.export, "export"),
            ("package/", self.package_all, "package_all"),
        )
        view = self.admin_site.admin_view
        named = [path(at, view(to), name=f"mediapipe_mediaitem_{name}") for at, to, name in ours]
        return [*named, *super().get_urls()]

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Show the list, with the actions that this user may take."""
        may: dict[str, Any] = {
            "may_retry": self.has_retry_permission(request),
            "may_give_up": self.has_give_up_permission(request),
            "may_export": self.has_export_permission(request),
        }
        return super().changelist_view(request, may | (extra_context or {}))

    def show(self, request: HttpRequest, row: Any) -> HttpResponse:
        return media_page.show(
            request,
            row,
            may_retry=self.has_retry_permission(request),
            may_give_up=self.has_give_up_permission(request),
        )

    def file(self, request: HttpRequest, pk: int) -> HttpResponseBase:
        """Serve the stored file; raise PermissionDenied unless the user may view media items."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        media = get_object_or_404(MediaItem, pk=pk)
        return file_response(request, media, reader=f"user {request.user.get_username()}")

    def export(self, request: HttpRequest, form: str) -> HttpResponseBase:
        """Download the filtered list as `csv` or `jsonl`."""
        if not self.has_export_permission(request):
            raise PermissionDenied
        return exports.export_list(self, request, form)

    def has_export_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("mediapipe.export_mediaitem")

    def package_all(self, request: HttpRequest) -> HttpResponseBase:
        """Preview or download the package of all items that match the list's filters."""
        if not self.has_export_permission(request):
            raise PermissionDenied
        return packages.package_all(self, request)

    @admin.action(description="Package for Twilio Support…", permissions=["export"])
    def package(self, request: HttpRequest, selected: QuerySet[MediaItem]) -> HttpResponseBase:
        """Preview or download the package of the selected items."""
        return packages.package_selected(request, selected)

    def has_retry_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm(bulk_changes.MAY_RETRY)

    def retry_one(self, request: HttpRequest, pk: int) -> HttpResponseBase:
        """Retry one item immediately."""
        if not self.has_retry_permission(request):
            raise PermissionDenied
        media = get_object_or_404(MediaItem, pk=pk)
        if request.method != "POST":
            return not_posted(request, "admin:mediapipe_mediaitem_change", pk)
        return retries.retry_one(request, media)

    def retry_all(self, request: HttpRequest) -> HttpResponseBase:
        """Retry all items that match the list's filters, once the user has confirmed it."""
        if not self.has_retry_permission(request):
            raise PermissionDenied
        return bulk_changes.change_all(self, request, retries.RETRY)

    def has_give_up_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm(bulk_changes.MAY_GIVE_UP)

    def give_up_one(self, request: HttpRequest, pk: int) -> HttpResponseBase:
        """Give up on one item, once the user has given a reason."""
        if not self.has_give_up_permission(request):
            raise PermissionDenied
        return giving_up.give_up_one(request, get_object_or_404(MediaItem, pk=pk))

    def give_up_all(self, request: HttpRequest) -> HttpResponseBase:
        """Give up on all items that match the list's filters, once the user has given a reason."""
        if not self.has_give_up_permission(request):
            raise PermissionDenied
        return bulk_changes.change_all(self, request, giving_up.GIVE_UP)

    @admin.action(description="Give up on the selected ones…", permissions=["give_up"])
    def give_up(self, request: HttpRequest, selected: QuerySet[MediaItem]) -> HttpResponseBase:
        """Give up on the selected items, once the user has given a reason."""
        return bulk_changes.change_selected(request, selected, giving_up.GIVE_UP)

    @admin.action(description="Retry the selected ones…", permissions=["retry"])
    def try_again(self, request: HttpRequest, selected: QuerySet[MediaItem]) -> HttpResponseBase:
        """Retry the selected items, once the user has confirmed it."""
        return bulk_changes.change_selected(request, selected, retries.RETRY)

    @admin.display(description="media")
    def name(self, item: MediaItem) -> str:
        return str(item)

    @admin.display(description="state", ordering="status")
    def state(self, item: MediaItem) -> SafeString:
        return text.state_label(item.status)

    @admin.display(description="reason")
    def reason(self, item: MediaItem) -> str:
        return item.error or "-"

    @admin.display(description="received", ordering="received_at")
    def received(self, item: MediaItem) -> str:
        return text.timestamp(item.received_at)

    @admin.display(description="from")
    def sender(self, item: MediaItem) -> str:
        return text.plain(item.event.sender) or "-"

    @admin.display(description="from")
    def masked_sender(self, item: MediaItem) -> str:
        return text.plain(mask_parameter("From", item.event.sender)) or "-"

    @admin.display(description="message or recording")
    def belongs_to(self, item: MediaItem) -> SafeString:
        return format_html('<span class="sid">{}</span>', item.event.subject_sid)

    @admin.display(description="propagation delay")
    def delay(self, item: MediaItem) -> str:
        return text.propagation_delay(item)

    @admin.display(description="attempts")
    def tries(self, item: MediaItem) -> str:
        late = f" ({item.not_found_count} × 404)" if item.not_found_count else ""  # noqa: RUF001
        due = f", next {retries.next_attempt_label(item)}" if item.next_attempt_at else ""
        # An item of a paused account may be due, but only one at a time probes the account.
        if due and (vars(item)["is_paused"] or item.error == AccountRefused.slug):
            due = ", waits for its account"
        return f"{item.attempts}{late}{due}"

    @admin.display(description="type")
    def type(self, item: MediaItem) -> str:
        return text.plain(item.content_type or item.masked_declared_type or "-")

    @admin.display(description="size")
    def length(self, item: MediaItem) -> str:
        return text.size(item.size)
