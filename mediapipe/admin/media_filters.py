"""The filters of the list of media items."""

from __future__ import annotations

from typing import Any

from django.db.models import Q, QuerySet
from django.http import HttpRequest

from mediapipe.admin.filters import Choice, ColumnFilter, ExactFilter, ListFilter, Rows
from mediapipe.admin.text import plain
from mediapipe.models import MediaItem, NotFoundCause, Status
from mediapipe.models.media.queryset import EARLY_404


class StatusFilter(ExactFilter):
    title = "state"
    parameter_name = "status__exact"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[Choice]:
        return list(Status.choices)


class NotFoundBecauseFilter(ExactFilter):
    title = "cause of 404s"
    parameter_name = "not_found_because__exact"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[Choice]:
        return [(cause.value, cause.value.replace("_", " ")) for cause in NotFoundCause]


class ReasonFilter(ColumnFilter):
    title = "reason"
    parameter_name = "error__exact"


class ContentTypeFilter(ColumnFilter):
    """The content type detected from the file's first bytes, or a group such as audio/*."""

    title = "content type"
    parameter_name = "content_type__exact"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[Choice]:
        types = super().lookups(request, model_admin)
        groups = sorted({value.partition("/")[0] for value, label in types if "/" in value})
        return [*((f"{group}/*", f"all {group}") for group in groups), *types]

    def queryset(self, request: HttpRequest, rows: Rows) -> Rows:
        group, star, rest = (self.value() or "").partition("/*")
        if star and group and not rest:
            # A range can use the column's index; "0" comes after "/".
            return rows.filter(content_type__gte=f"{group}/", content_type__lt=f"{group}0")
        return super().queryset(request, rows)


class HostFilter(ExactFilter):
    """The host of the last attempt; only links set it, so there are no other choices."""

    title = "host"
    parameter_name = "host__exact"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[Choice]:
        host = request.GET.get("host__exact", "")
        return [(host, plain(host))] if host else []


class RelatedFilter(ListFilter):
    """The media related to another row, such as a job; only links on that row's page set it."""

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
    """The media that a job retried or gave up on."""

    title = "job"
    parameter_name = "job"
    relation = "jobs"


class EarlyNotFoundFilter(ListFilter):
    title = "early 404s"
    parameter_name = "early_404"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[Choice]:
        return [("yes", "at least one"), ("no", "none")]

    def queryset(self, request: HttpRequest, media: QuerySet[MediaItem]) -> QuerySet[MediaItem]:
        lookups = {"yes": EARLY_404, "no": ~EARLY_404}
        return media.filter(lookups.get(self.value() or "", Q()))


class SecondsFilter(ListFilter):
    """Rows above a number of seconds; links may use any number, not only the choices."""

    def threshold_s(self) -> float | None:
        try:
            return max(0.0, min(float(self.value() or ""), 1e9))
        except ValueError:
            return None


class SlowerThanFilter(SecondsFilter):
    """The time until the media was available, or for which it is known to have been missing."""

    title = "propagation delay"
    parameter_name = "slower_than"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[Choice]:
        return [("5", "over 5 s"), ("30", "over 30 s"), ("300", "over 5 min")]

    def queryset(self, request: HttpRequest, media: Any) -> Any:
        threshold_s = self.threshold_s()
        return media if threshold_s is None else media.slower_than(threshold_s)


class WaitingLongerThanFilter(SecondsFilter):
    """The age of unfinished items."""

    title = "waiting for"
    parameter_name = "waiting_longer_than"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[Choice]:
        lengths = {"60": "1 min", "600": "10 min", "3600": "1 h", "86400": "1 d"}
        return [(seconds, f"over {length}") for seconds, length in lengths.items()]

    def queryset(self, request: HttpRequest, media: Any) -> Any:
        threshold_s = self.threshold_s()
        return media if threshold_s is None else media.waiting_longer_than(threshold_s)
