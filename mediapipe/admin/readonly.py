from __future__ import annotations

from functools import cached_property
from typing import Any

from django.contrib import admin, messages
from django.contrib.admin.models import LogEntry
from django.contrib.admin.utils import unquote
from django.contrib.contenttypes.models import ContentType
from django.core.exceptions import PermissionDenied
from django.core.paginator import Page, Paginator
from django.db.models import Model, QuerySet
from django.http import Http404, HttpRequest, HttpResponse

from mediapipe.admin import search
from mediapipe.admin.filters import ListFilter

CAP = 10_000
# From this row on, reading the keys of a page first is cheaper.
DEEP = 1000
# The lookups of Django's filters for choices, dates and empty columns.
FIELD_LOOKUPS = ("exact", "gte", "lt", "isnull", "isempty")


class CappedPaginator(Paginator[Model]):
    """Pages through the first CAP rows.

    PostgreSQL counts a whole table in time proportional to its rows, and after two hundred pages
    people need a filter, not another page.
    """

    object_list: QuerySet[Model]

    @cached_property
    def count(self) -> int:
        return min(self._counted, CAP)

    @property
    def capped(self) -> bool:
        """Whether there are more rows than CAP."""
        return self._counted > CAP

    @cached_property
    def _counted(self) -> int:
        return self.object_list.order_by()[: CAP + 1].count()

    def page(self, number: int | str) -> Page[Model]:
        found = super().page(number)
        # Otherwise the database would join all rows before a deep page, not only read their keys.
        if found.start_index() > DEEP:
            keys = list(self.object_list[found.start_index() - 1 : found.end_index()].values("pk"))
            found.object_list = self.object_list.filter(pk__in=[key["pk"] for key in keys])
        return found


class ReadOnlyAdmin(admin.ModelAdmin[Model]):
    """Lists evidence, which no user can add, change or delete."""

    paginator = CappedPaginator
    change_form_template = "admin/mediapipe/row.html"
    show_full_result_count = False
    # Facets count every choice of every filter over the whole table.
    show_facets = admin.ShowFacets.NEVER
    list_per_page = 50
    # Shown above the list: what it contains, and what is normal.
    explanation = ""
    # The page in docs/ about it.
    docs = "admin.md"
    # Shown in place of an empty list: what to do first.
    empty = ""

    class Media:
        css = {"all": ["mediapipe/state.css"]}

    def lookup_allowed(self, lookup: str, value: str, request: HttpRequest | None = None) -> bool:
        """Allow the filters' lookups only: `?sender__startswith=` would reveal phone numbers."""
        allowed: set[str] = set()
        for kind in self.list_filter:
            if isinstance(kind, type) and issubclass(kind, ListFilter):
                allowed.update(kind.parameters())
            else:
                field = kind[0] if isinstance(kind, tuple) else kind
                allowed.update(f"{field}__{name}" for name in FIELD_LOOKUPS)
        return lookup in allowed

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any
    ) -> HttpResponse:
        """Show the page of a row, with a link to its audit trail if there are entries."""
        entries = LogEntry.objects.filter(
            content_type=ContentType.objects.get_for_model(self.model),
            object_id=str(kwargs["obj"].pk),
        )
        context = {**context, "has_log": entries.exists()}
        return super().render_change_form(request, context, *args, **kwargs)


class PageAdmin(ReadOnlyAdmin):
    """A list with our own page for each row."""

    def change_view(
        self,
        request: HttpRequest,
        object_id: str,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        row = self.get_object(request, unquote(object_id))
        if request.method not in ("GET", "HEAD") or not self.has_view_permission(request, row):
            raise PermissionDenied
        if row is None:
            raise Http404(f"There is no {self.opts.verbose_name} with the number {object_id}.")
        return self.show(request, row)

    def show(self, request: HttpRequest, row: Any) -> HttpResponse:
        """Render the page of this row."""
        raise NotImplementedError


class SearchableAdmin(PageAdmin):
    """A list that can be searched for SIDs, URLs and senders."""

    # Any value makes Django show the search field; get_search_results ignores it.
    search_fields = ("pk",)
    search_help_text = search.HELP
    # Shown if a search finds nothing.
    not_found = search.NOT_FOUND

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        """Return the matching rows, and False because none of them is a duplicate."""
        if not search_term:
            return queryset, False
        query = search.SearchQuery.parse(search_term)
        if not request.user.has_perm("mediapipe.view_numbers"):
            if query.addresses:
                messages.warning(request, search.NO_NUMBERS)
                return queryset.none(), False
            # Otherwise a user could find out who sent a message by searching for each name.
            query.names.clear()
            query.in_refused = False
        return self.matching(queryset, query), False

    def matching(self, queryset: Any, query: search.SearchQuery) -> QuerySet[Any]:
        """Return the rows that match the query."""
        raise NotImplementedError
