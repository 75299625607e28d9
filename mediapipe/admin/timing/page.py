from __future__ import annotations

from collections.abc import Callable, Mapping

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBadRequest
from django.utils import timezone

from mediapipe.admin.filters import period_choices
from mediapipe.admin.pages import page, render_page
from mediapipe.admin.text import account_name
from mediapipe.admin.timing import time_charts, total_charts
from mediapipe.admin.timing.chart import Chart
from mediapipe.admin.timing.chart_data import ChartData
from mediapipe.admin.timing.comparison import compare
from mediapipe.timing.period import InvalidPeriod, Period
from mediapipe.timing.selection import Selection, filter_choices

CHARTS: Mapping[str, Callable[[ChartData], Chart]] = {
    "delay": time_charts.delay_chart,
    "whose": time_charts.comparison_chart,
    "spread": total_charts.distribution_chart,
    "early": time_charts.early_chart,
    "attempts": total_charts.attempts_chart,
    "outcomes": total_charts.outcomes_chart,
}
TITLES = {"account_sid": "Account", "kind": "Kind", "content_type": "Content type"}


@page("timing/", name="timing", title="Timing")
def timing(request: HttpRequest) -> HttpResponse:
    """Show all charts of the requested selection, or of the default period if it is invalid."""
    now = timezone.now()
    try:
        selection = Selection.from_query(request.GET, now)
    except InvalidPeriod as error:
        messages.error(request, str(error))
        selection = Selection(Period.from_query({}, now))
    data = ChartData(selection)
    charts = [build(data) for build in CHARTS.values()]
    return render_page(
        request,
        "timing.html",
        title="Timing",
        **period_choices(selection.period),
        selects=_selects(selection),
        compared=compare(data.whole, data.before.whole),
        charts=charts,
        query=selection.query(),
    )


@page("timing/<slug:key>.csv", name="timing_csv")
def timing_csv(request: HttpRequest, key: str) -> HttpResponse:
    """Return the numbers of one chart as CSV, or a 400 if the period is invalid."""
    if key not in CHARTS:
        raise Http404(f"There is no chart {key}.")
    try:
        selection = Selection.from_query(request.GET, timezone.now())
    except InvalidPeriod as error:
        return HttpResponseBadRequest(str(error), content_type="text/plain; charset=utf-8")
    text = CHARTS[key](ChartData(selection)).csv()
    period = selection.period
    name = f"timing-{key}-{period.since:%Y%m%dT%H%M%SZ}-{period.until:%Y%m%dT%H%M%SZ}.csv"
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return HttpResponse(text, content_type="text/csv", headers=headers)


def _selects(selection: Selection) -> list[dict[str, object]]:
    """Return the filters for the form; a value from a link is a choice even if it is unknown."""
    selects = []
    for name, pairs in filter_choices().items():
        chosen = getattr(selection, name)
        known = pairs if chosen in ("", *(value for value, _ in pairs)) else [*pairs, (chosen,) * 2]
        if name == "account_sid":
            known = [(sid, account_name(sid)) for sid, _ in known]
        title = TITLES[name]
        selects.append(
            {"name": f"{name}__exact", "title": title, "choices": known, "chosen": chosen}
        )
    return selects
