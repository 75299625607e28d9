"""/admin/timing/: how long media took, whose delay it was, and what became of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBadRequest
from django.utils import timezone

from mediapipe.admin.pages import page, render_page
from mediapipe.admin.text import moment, seconds
from mediapipe.admin.timing import altogether, over_time
from mediapipe.admin.timing.chart import Chart
from mediapipe.admin.timing.chart_data import Answers
from mediapipe.timing.period import LENGTHS, Period, PeriodUnreadable
from mediapipe.timing.selection import Selection, choices
from mediapipe.timing.work_mem import raised_work_mem

CHARTS: Mapping[str, Callable[[Answers], Chart]] = {
    "delay": over_time.delay,
    "whose": over_time.whose,
    "spread": altogether.spread,
    "early": over_time.early,
    "attempts": altogether.attempts,
    "outcomes": altogether.outcomes,
}
TITLES = {"account_sid": "Account", "kind": "Kind", "content_type": "Content type"}


@page("timing/", name="timing", title="Timing")
def timing(request: HttpRequest) -> HttpResponse:
    """Show every chart of what the form asks for; of the last 24 hours if it cannot be read."""
    now = timezone.now()
    try:
        selection = Selection.read(request.GET, now)
    except PeriodUnreadable as error:
        messages.error(request, str(error))
        selection = Selection(Period.read({}, now))
    answers = Answers(selection)
    with raised_work_mem():
        charts = [draw(answers) for draw in CHARTS.values()]
        figures = summary(answers)
    return render_page(
        request,
        "timing.html",
        title="Timing",
        lengths=LENGTHS,
        period=selection.period,
        since=moment(selection.period.since),
        until=moment(selection.period.until),
        asked=asked_times(request, selection),
        selects=selects(selection),
        summary=figures,
        charts=charts,
        query=selection.query(),
    )


@page("timing/<slug:key>.csv", name="timing_csv")
def timing_csv(request: HttpRequest, key: str) -> HttpResponse:
    """Give out the numbers of one chart."""
    if key not in CHARTS:
        raise Http404(f"There is no chart {key}.")
    try:
        selection = Selection.read(request.GET, timezone.now())
    except PeriodUnreadable as error:
        return HttpResponseBadRequest(str(error), content_type="text/plain; charset=utf-8")
    with raised_work_mem():
        text = CHARTS[key](Answers(selection)).csv()
    answer = HttpResponse(text, content_type="text/csv")
    name = f"timing-{key}-{_stamp(selection.period.since)}-{_stamp(selection.period.until)}.csv"
    answer["Content-Disposition"] = f'attachment; filename="{name}"'
    return answer


def asked_times(request: HttpRequest, selection: Selection) -> dict[str, str]:
    """Return what stands in the fields from and to: what was written there, if it was."""
    if selection.period.name:
        return {}
    return {name: request.GET.get(name, "") for name in ("since", "until")}


def selects(selection: Selection) -> list[dict[str, object]]:
    """Return the filters as the form shows them; what a link asks for is always a choice."""
    found = []
    for name, pairs in choices().items():
        chosen = getattr(selection, name)
        known = pairs if chosen in ("", *(value for value, _ in pairs)) else [*pairs, (chosen,) * 2]
        title = TITLES[name]
        found.append({"name": f"{name}__exact", "title": title, "choices": known, "chosen": chosen})
    return found


def summary(answers: Answers) -> list[tuple[str, str]]:
    """Return the figures of the whole period in words."""
    total = answers.total
    delays = [
        (f"Propagation delay {name}", over_time.between(*over_time.bounds(total, number)))
        for number, name in enumerate(over_time.NAMES)
    ]
    lag = seconds(total.lag[over_time.P95] if total.lag else None)
    early = "-" if total.early_share is None else f"{total.early_share:.1%}"
    return [*delays, ("Queue lag p95", lag), ("With an early 404", early)]


def _stamp(at: datetime) -> str:
    return f"{at:%Y%m%dT%H%M%SZ}"
