from __future__ import annotations

from typing import Any

from django.contrib import admin, messages
from django.contrib.admin.utils import unquote
from django.core.exceptions import PermissionDenied
from django.db.models import Model, QuerySet
from django.http import Http404, HttpRequest, HttpResponse

from mediapipe.admin import search
from mediapipe.admin.pagination import CappedPaginator


class ReadOnlyMixin:
    """Evidence is looked at, never edited: no adding, changing or deleting, by anybody."""

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


class ReadOnlyAdmin(ReadOnlyMixin, admin.ModelAdmin[Model]):
    """A list and a page to read; it never counts a whole table."""

    paginator = CappedPaginator
    show_full_result_count = False
    # Facets count every choice of every filter over the whole table.
    show_facets = admin.ShowFacets.NEVER
    list_per_page = 50

    class Media:
        css = {"all": ["mediapipe/state.css", "mediapipe/admin.css"]}


class ReadOnlyInline(ReadOnlyMixin, admin.TabularInline[Model, Model]):
    """Rows that belong to the page's own."""

    extra = 0
    show_change_link = False


class PageAdmin(ReadOnlyAdmin):
    """A list, and a page of our own for each row."""

    def change_view(
        self,
        request: HttpRequest,
        object_id: str,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        """Show one row, to those who may see it; nothing can be sent here."""
        row = self.get_object(request, unquote(object_id))
        if request.method not in ("GET", "HEAD") or not self.has_view_permission(request, row):
            raise PermissionDenied
        if row is None:
            raise Http404(f"There is no {self.opts.verbose_name} with the number {object_id}.")
        return self.show(request, row)

    def show(self, request: HttpRequest, row: Any) -> HttpResponse:
        """Answer with the page of this row."""
        raise NotImplementedError


class RecordAdmin(PageAdmin):
    """One that is searched for SIDs, URLs and numbers."""

    # Django draws the field if there is anything in here; what is typed is read by us.
    search_fields = ("pk",)
    search_help_text = search.HELP

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        """Return the rows that the text asks for; the second value says that none comes twice."""
        if not search_term:
            return queryset, False
        sought = search.Sought.read(search_term)
        if sought.numbers and not request.user.has_perm("mediapipe.view_numbers"):
            messages.warning(request, search.NO_NUMBERS)
            return queryset.none(), False
        return self.found(queryset, sought), False

    def found(self, queryset: Any, sought: search.Sought) -> QuerySet[Any]:
        """Return those of the rows that are sought."""
        raise NotImplementedError
