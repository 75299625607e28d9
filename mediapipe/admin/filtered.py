"""The rows that a list shows with its filters, for those steps that take all of them."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.contrib.admin.options import IncorrectLookupParameters
from django.contrib.admin.views.main import SEARCH_VAR, ChangeList
from django.core.exceptions import BadRequest
from django.db.models import Model
from django.http import HttpRequest

from mediapipe.admin.text import plain
from mediapipe.redaction import mask_phone_numbers

# One filter with three parameters needs a word for each.
TITLES = {"since": "received since", "until": "received before", "period": "received in the last"}
UNREADABLE = "The filters in this address cannot be read. Go back to the list and set them again."


def filtered_rows_with_label(
    model_admin: admin.ModelAdmin[Model], request: HttpRequest
) -> tuple[Any, str]:
    """Return all rows that the request's filters leave, and the filters in words.

    Raise BadRequest where the list itself would not know them.
    """
    try:
        changelist = model_admin.get_changelist_instance(request)
        return changelist.get_queryset(request), _words(changelist, request)
    except IncorrectLookupParameters as error:
        raise BadRequest(UNREADABLE) from error


def _words(changelist: ChangeList, request: HttpRequest) -> str:
    given = [
        f"{TITLES.get(name, spec.title)} {request.GET[name]}"
        for spec in changelist.filter_specs
        for name in spec.expected_parameters()
        if name and request.GET.get(name)
    ]
    if typed := request.GET.get(SEARCH_VAR):
        # It goes into the log, which more people read than may see numbers.
        given.append(f"search {mask_phone_numbers(typed)}")
    return plain(", ".join(given)) or "all media items"
