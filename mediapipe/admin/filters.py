"""The filters of the lists; links from other pages use the same parameters.

No filter scans the table for its choices.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, ClassVar

from django.contrib import admin, messages
from django.contrib.admin.views.main import ChangeList
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone

from mediapipe.admin.text import account_name, local_time, plain
from mediapipe.models import MediaItem
from mediapipe.models.distinct import distinct_values
from mediapipe.providers.base import Kind
from mediapipe.timing.period import PERIODS, InvalidPeriod, Period, parse_time

Rows = QuerySet[Any]
Choice = tuple[str, str]
# The value that matches an empty column; an empty value would mean no filter.
NONE = "-"
NUL = "\u2400"
SOURCES = ("messaging", "recording", "conversations", "reconciliation")


class ListFilter(admin.SimpleListFilter):
    @classmethod
    def parameters(cls) -> tuple[str, ...]:
        """Return the query parameters of this filter."""
        return (str(cls.parameter_name),)

    def choices(self, changelist: ChangeList) -> Iterator[Any]:
        yield from super().choices(changelist)
        value = self.value()
        # A link may ask for a value that is not offered.
        if value and value not in {str(lookup) for lookup, title in self.lookup_choices}:
            query = changelist.get_query_string()
            yield {"selected": True, "query_string": query, "display": plain(value)}


class NamedChoices(admin.FieldListFilter):
    """A Django filter with our own title and our own names for its choices."""

    filter_title = ""
    names: ClassVar[dict[str, str]] = {}

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.title = self.filter_title

    def choices(self, changelist: ChangeList) -> Iterator[Any]:
        for choice in super().choices(changelist):
            yield {**choice, "display": self.names.get(str(choice["display"]), "All")}


class NamedEmptyFilter(NamedChoices, admin.EmptyFieldListFilter):
    """Whether a column is empty."""


class NamedBooleanFilter(NamedChoices, admin.BooleanFieldListFilter):
    """Whether a column is true."""


class ExactFilter(ListFilter):
    def queryset(self, request: HttpRequest, rows: Rows) -> Rows:
        value = self.value()
        if not value:
            return rows
        # PostgreSQL rejects NUL in text; webhooks are stored with this symbol instead.
        value = "" if value == NONE else value.replace("\0", NUL)
        return rows.filter(**{str(self.parameter_name): value})


class ColumnFilter(ExactFilter):
    """Offers the values that media items have in the column."""

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[Choice]:
        return _choices(str(self.parameter_name).removesuffix("__exact"))


class KindFilter(ExactFilter):
    title = "kind"
    parameter_name = "kind__exact"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[Choice]:
        return [(kind.value, kind.title()) for kind in Kind]


class SourceFilter(ExactFilter):
    title = "source"
    parameter_name = "source__exact"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[Choice]:
        return [(name, name) for name in SOURCES]


class AccountFilter(ColumnFilter):
    title = "account"
    parameter_name = "account_sid__exact"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[Choice]:
        return account_choices()


class PeriodFilter(ListFilter):
    """When the webhook was received: a period that ends now, or between two times."""

    title = "received"
    parameter_name = "period"
    column = "received_at"
    template = "admin/mediapipe/period_filter.html"
    bounds = ("since", "until")

    def __init__(self, request: HttpRequest, params: Any, model: Any, model_admin: Any) -> None:
        super().__init__(request, params, model, model_admin)
        for name in self.bounds:
            if name in params:
                self.used_parameters[name] = params.pop(name)[-1]
        names = (*self.bounds, self.parameter_name, "p")
        self.others = [(k, v) for k, v in request.GET.items() if k not in names]

    @classmethod
    def parameters(cls) -> tuple[str, ...]:
        return (str(cls.parameter_name), *cls.bounds)

    def expected_parameters(self) -> list[str | None]:
        return [*self.parameters()]

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[Choice]:
        return list(PERIODS.items())

    def queryset(self, request: HttpRequest, rows: Rows) -> Rows:
        params = {name: str(value) for name, value in self.used_parameters.items() if value}
        if not params:
            return rows
        try:
            period = Period.from_query(params, timezone.now())
        except InvalidPeriod as error:
            messages.error(request, str(error))
            return rows.none()
        bounds = {f"{self.column}__gte": period.since, f"{self.column}__lt": period.until}
        return rows.filter(**bounds)

    def choices(self, changelist: ChangeList) -> Iterator[Any]:
        since, until = self.since(), self.until()
        between = bool(since or until)
        yield {
            "selected": not self.value() and not between,
            "query_string": changelist.get_query_string(remove=self.parameters()),
            "display": "at any time",
        }
        for name, title in self.lookup_choices:
            yield {
                "selected": self.value() == name and not between,
                "query_string": changelist.get_query_string({"period": name}, self.bounds),
                "display": title,
            }
        if between:
            label = f"{since} to {until or 'now'}" if since else f"until {until}"
            query = changelist.get_query_string()
            yield {"selected": True, "query_string": query, "display": label.replace("T", " ")}

    def since(self) -> str:
        """Return the given start as the value of a datetime-local input, or ""."""
        return local_input(str(self.used_parameters.get("since", "")))

    def until(self) -> str:
        return local_input(str(self.used_parameters.get("until", "")))


def account_choices(chosen: str = "") -> list[Choice]:
    """Return SID and name of up to 50 accounts with media items, and always of `chosen`."""
    sids = distinct_values(MediaItem, "account_sid")
    return [(sid, account_name(sid)) for sid in dict.fromkeys([*sids, *filter(None, [chosen])])]


def period_choices(period: Period) -> dict[str, Any]:
    """Return the context of period_choices.html; its dates are empty for a named period."""
    bounds = {"since": period.since, "until": period.until}
    dates = {name: local_input(at.isoformat()) for name, at in bounds.items()}
    given = dict.fromkeys(dates, "") if period.name else dates
    return {"period": period, "periods": PERIODS, **given}


def local_input(given: str) -> str:
    """Return an ISO 8601 time as the value of a datetime-local input, or "" if it is not one."""
    try:
        return local_time(parse_time(given)).replace(" ", "T")
    except InvalidPeriod:
        return ""


def _choices(column: str) -> list[Choice]:
    """Return the existing values with labels; `plain`, because some come from outside."""
    return [(value, plain(value)) for value in distinct_values(MediaItem, column)]
