from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db.models import Model
from django.http import HttpRequest

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
        css = {"all": ["mediapipe/admin.css"]}


class ReadOnlyInline(ReadOnlyMixin, admin.TabularInline[Model, Model]):
    """Rows that belong to the page's own."""

    extra = 0
    show_change_link = False
