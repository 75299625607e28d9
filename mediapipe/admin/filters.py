"""The filters of the lists; links from other pages use the same parameters.

No filter scans the table for its choices.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.contrib import admin, messages
from django.contrib.admin.views.main import ChangeList
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.utils import timezone

from mediapipe.admin.text import plain
from mediapipe.models import MediaItem, NotFoundCause, Status
from mediapipe.models.distinct import distinct_values
from mediapipe.models.media.queryset import EARLY_404
from mediapipe.providers.base import Kind
from mediapipe.timing.period import LENGTHS, InvalidPeriod, Period

Rows = QuerySet[Any]
Choice = tuple[str, str]
# The parameter for an empty column; an empty parameter would mean no filter.
NONE = "-"
NUL = "\u2400"
PERIOD_NAMES = {"1h": "Last hour", "24h": "Last 24 hours", "7d": "Last 7 days", "30d": "30 days"}
SOURCES = ("messaging", "recording", "conversations", "reconciliation")


class ListFilter(admin.SimpleListFilter):
    @classmethod
    def parameters(cls) -> tuple[str, ...]:
        """Return the query parameters of this filter."""
        return (str(cls.parameter_name),)


class ExactFilter(ListFilter):
    def queryset(self, request: HttpRequest, rows: Rows) -> Rows:
        value = self.value()
        if not value:
            return rows
        # PostgreSQL raises an error for text with a NUL.
        value = "" if value == NONE else value.replace("\0", NUL)
        return rows.filter(**{str(self.parameter_name): value})


class ColumnFilter(ExactFilter):
    """Offers the values that media items have in the column."""

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[Choice]:
        return _choices(str(self.parameter_name).removesuffix("__exact"))


class StatusFilter(ExactFilter):
    title = "state"
    parameter_name = "status__exact"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[Choice]:
        return list(Status.choices)


class NotFoundBecauseFilter(ExactFilter):
    title = "not found because"
    parameter_name = "not_found_because__exact"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[Choice]:
        return [(cause.value, cause.value.replace("_", " ")) for cause in NotFoundCause]


class ReasonFilter(ColumnFilter):
    title = "reason"
    parameter_name = "error__exact"
    template = "admin/mediapipe/long_filter.html"


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


class ContentTypeFilter(ColumnFilter):
    """The content type detected from the file's first bytes."""

    title = "content type"
    parameter_name = "content_type__exact"
    template = "admin/mediapipe/long_filter.html"


class HostFilter(ExactFilter):
    """The last attempt's host; set by links only, so there are no other choices."""

    title = "host"
    parameter_name = "host__exact"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[Choice]:
        host = request.GET.get("host__exact", "")
        return [(host, plain(host))] if host else []


class RelatedFilter(ListFilter):
    """The media of one other row; set by links on that row's page only."""

    relation = ""

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[Choice]:
        number = request.GET.get(str(self.parameter_name), "")
        return [(number, f"{str(self.title).title()} {number}")] if number else []

    def queryset(self, request: HttpRequest, media: QuerySet[MediaItem]) -> QuerySet[MediaItem]:
        number = self.value()
        if not number:
            return media
        # Longer numbers do not fit into a database integer.
        known = number.isdecimal() and len(number) < 19
        return media.filter(**{self.relation: int(number)}) if known else media.none()


class IncidentFilter(RelatedFilter):
    """The media that an incident affected."""

    title = "incident"
    parameter_name = "incident"
    relation = "incidents"


class JobFilter(RelatedFilter):
    """The media that a job retried or gave up."""

    title = "job"
    parameter_name = "job"
    relation = "jobs"


class EarlyNotFoundFilter(ListFilter):
    title = "early 404"
    parameter_name = "early_404"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[Choice]:
        return [("yes", "At least one"), ("no", "None")]

    def queryset(self, request: HttpRequest, media: QuerySet[MediaItem]) -> QuerySet[MediaItem]:
        lookups = {"yes": EARLY_404, "no": ~EARLY_404}
        return media.filter(lookups.get(self.value() or "", Q()))


class SecondsFilter(ListFilter):
    """Rows above a number of seconds; links may use any number."""

    def threshold_s(self) -> float | None:
        try:
            return max(0.0, min(float(self.value() or ""), 1e9))
        except ValueError:
            return None


class SlowerThanFilter(SecondsFilter):
    """The time until the media was available, or for which it is known not to have been."""

    title = "propagation delay"
    parameter_name = "slower_than"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[Choice]:
        return [("5", "Over 5 s"), ("30", "Over 30 s"), ("300", "Over 5 min")]

    def queryset(self, request: HttpRequest, media: Any) -> Any:
        threshold_s = self.threshold_s()
        return media if threshold_s is None else media.slower_than(threshold_s)


class WaitingLongerThanFilter(SecondsFilter):
    """The age of unfinished items."""

    title = "waiting"
    parameter_name = "waiting_longer_than"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[Choice]:
        return [("60", "Over 1 min"), ("600", "10 min"), ("3600", "1 h"), ("86400", "1 day")]

    def queryset(self, request: HttpRequest, media: Any) -> Any:
        threshold_s = self.threshold_s()
        return media if threshold_s is None else media.waiting_longer_than(threshold_s)


class PeriodFilter(ListFilter):
    """When the webhook was received: a period that ends now, or between two times."""

    title = "received"
    parameter_name = "period"
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
        return [(name, PERIOD_NAMES.get(name, name)) for name in LENGTHS]

    def queryset(self, request: HttpRequest, rows: Rows) -> Rows:
        params = {name: str(value) for name, value in self.used_parameters.items() if value}
        if not params:
            return rows
        try:
            period = Period.from_query(params, timezone.now())
        except InvalidPeriod as error:
            messages.error(request, str(error))
            return rows.none()
        return rows.filter(received_at__gte=period.since, received_at__lt=period.until)

    def choices(self, changelist: ChangeList) -> Iterator[Any]:
        given = [self.used_parameters.get(name) for name in self.bounds]
        yield {
            "selected": not self.value() and not any(given),
            "query_string": changelist.get_query_string(remove=self.parameters()),
            "display": "Any time",
        }
        for name, title in self.lookup_choices:
            yield {
                "selected": self.value() == name and not any(given),
                "query_string": changelist.get_query_string({"period": name}, self.bounds),
                "display": title,
            }

    def since(self) -> str:
        return str(self.used_parameters.get("since", ""))

    def until(self) -> str:
        return str(self.used_parameters.get("until", ""))


def _choices(column: str) -> list[Choice]:
    """Return the existing values; some of them come from outside and need `plain`."""
    return [(value, plain(value)) for value in distinct_values(MediaItem, column)]
