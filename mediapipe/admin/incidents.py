from __future__ import annotations

from collections.abc import Iterator
from typing import Any, ClassVar

from django.contrib import admin
from django.contrib.admin.views.main import ChangeList
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import URLPattern, path
from django.utils.safestring import SafeString

from mediapipe.admin import filters, incident_page, incident_steps, text
from mediapipe.admin.readonly import PageAdmin, ReadOnlyAdmin
from mediapipe.models import AccountHealth, Incident

MAY_MANAGE = "mediapipe.manage_incident"


class OverFilter(admin.EmptyFieldListFilter):
    """Whether the trouble is over."""

    names: ClassVar[dict[str, str]] = {"Empty": "Goes on", "Not empty": "Over"}

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.title = "end"

    def choices(self, changelist: ChangeList) -> Iterator[Any]:
        for choice in super().choices(changelist):
            yield {**choice, "display": self.names.get(str(choice["display"]), "All")}


@admin.register(Incident)
class IncidentAdmin(PageAdmin):
    """Trouble of an account or of the whole service, told once, from its first sign to its end."""

    list_display = ("name", "status", "detail", "affected", "opened", "over", "ticket")
    list_filter = (
        "state",
        "cause",
        filters.AccountFilter,
        ("resolved_at", OverFilter),
    )
    ordering = ("-opened_at",)
    sortable_by = ("opened", "affected")
    actions = ("acknowledge", "resolve", "ignore")

    def get_urls(self) -> list[URLPattern]:
        """Add the steps that a person may take."""
        step = path(
            "<int:pk>/<slug:step>/",
            self.admin_site.admin_view(self.step),
            name="mediapipe_incident_step",
        )
        # Django's own addresses end in words that are no steps of ours.
        return [*super().get_urls()[:-1], step, super().get_urls()[-1]]

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Show the list under its own name."""
        return super().changelist_view(request, {"title": "Incidents", **(extra_context or {})})

    def show(self, request: HttpRequest, row: Any) -> HttpResponse:
        """Show one incident: what is the matter, since when, which media, and who did what."""
        return incident_page.show(request, row, may_manage=self.has_manage_permission(request))

    def has_manage_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm(MAY_MANAGE)

    def step(self, request: HttpRequest, pk: int, step: str) -> HttpResponse:
        """Take one step with one incident."""
        if request.method != "POST" or not self.has_manage_permission(request):
            raise PermissionDenied
        return incident_steps.take(request, get_object_or_404(Incident, pk=pk), step)

    @admin.action(description="Acknowledge the selected ones", permissions=["manage"])
    def acknowledge(self, request: HttpRequest, selected: QuerySet[Incident]) -> None:
        """Note that somebody looks after them."""
        incident_steps.take_with_all(request, selected, "acknowledge")

    @admin.action(description="Resolve the selected ones", permissions=["manage"])
    def resolve(self, request: HttpRequest, selected: QuerySet[Incident]) -> None:
        """Close them."""
        incident_steps.take_with_all(request, selected, "resolve")

    @admin.action(description="Ignore the selected ones", permissions=["manage"])
    def ignore(self, request: HttpRequest, selected: QuerySet[Incident]) -> None:
        """Hear no more of them until they are over."""
        incident_steps.take_with_all(request, selected, "ignore")

    @admin.display(description="incident")
    def name(self, incident: Incident) -> str:
        return str(incident)

    @admin.display(description="state", ordering="state")
    def status(self, incident: Incident) -> SafeString:
        return text.state_label(incident.state)

    @admin.display(description="opened", ordering="opened_at")
    def opened(self, incident: Incident) -> str:
        return text.timestamp(incident.opened_at)

    @admin.display(description="over since", ordering="resolved_at")
    def over(self, incident: Incident) -> str:
        return text.timestamp(incident.resolved_at)


@admin.register(AccountHealth)
class AccountHealthAdmin(ReadOnlyAdmin):
    """Accounts whose fetches are paused or limited at this moment."""

    list_display = ("account_sid", "refusals", "paused_at", "probe_at", "rate_limits", "limit")
