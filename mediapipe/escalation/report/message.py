from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime

from mediapipe.escalation.report.case import BASELINE_DAYS, Case
from mediapipe.escalation.report.figures import AffectedShare, CaseFigures, DelayStats
from mediapipe.escalation.report.rows import Row
from mediapipe.escalation.report.ruled_out import RuledOut
from mediapipe.timing.percent import percent

# If more hours are affected, the table is by day.
MAX_HOURS = 48
EXAMPLES = 5


def build_message(case: Case, figures: CaseFigures, examples: Sequence[Row]) -> str:
    """Return the whole message; `examples` are the rows of some of the affected media."""
    sections: list[Iterable[str]] = [
        [f"Subject: {subject_line(figures)}"],
        _what_happens(case, figures),
        _by_time(case, figures),
        _by_group("By region (X-Home-Region of your responses)", figures.regions),
        _by_group("By account", figures.accounts),
        [
            "Seconds from the webhook until the media was available",
            "  (from our last 404 to the first other response; media that became available)",
            _delay_line("affected media", figures.delays),
            _delay_line("all media of the period", figures.all_delays),
            _delay_line("baseline, as above", figures.baseline_delays),
        ],
        _ruled_out(figures, figures.ruled_out),
        _examples(examples),
        _questions(figures),
    ]
    return "\n\n".join("\n".join(section) for section in sections) + "\n"


def subject_line(figures: CaseFigures) -> str:
    """Return the subject of the ticket."""
    affected = _share(figures.affected, figures.total)
    return f"Media URLs return 404 after their webhook: {affected} media"


def _what_happens(case: Case, figures: CaseFigures) -> Iterator[str]:
    codes = f" (error {', '.join(map(str, figures.codes))})" if figures.codes else ""
    yield "What happens"
    yield (
        "An authenticated GET of a media URL that your webhook has just announced returns "
        f"404{codes}. Later, the same URL works with the same credentials."
    )
    yield f"First affected webhook: {_time(figures.first_at, case)}"
    yield f"Last affected webhook:  {_time(figures.last_at, case)}"
    yield (
        f"Affected: {_share(figures.affected, figures.total)} media announced from "
        f"{_time(case.since, case)} to {_time(case.until, case)}; "
        f"404 responses in total: {figures.not_found}."
    )
    baseline = figures.baseline
    if baseline.total:
        share = _share(baseline.affected, baseline.total)
        yield f"Baseline: {share}, in {case.baseline_in_words()}."
    else:
        yield f"There is no media from the {BASELINE_DAYS} days before to compare with."
    if case.left_out:
        yield (
            f"Not counted: {case.left_out} more whose 404s have another cause, "
            "for example that the media was deleted."
        )
    missing = figures.affected - figures.retrieved
    yield (
        f"{figures.retrieved} of the {figures.affected} were eventually retrieved"
        + (f"; {missing} are still missing." if missing else ".")
    )


def _by_time(case: Case, figures: CaseFigures) -> Iterator[str]:
    if len(figures.hours) <= MAX_HOURS:
        yield "By hour of the webhook (affected out of all)"
        for at, hour in figures.hours.items():
            time = case.local(at).isoformat(timespec="minutes")
            yield f"  {time}  {_share(hour.affected, hour.total)}"
        return
    yield f"By day of the webhook in {case.zone.key} (affected out of all, in the affected hours)"
    days: dict[str, list[AffectedShare]] = defaultdict(list)
    for at, hour in figures.hours.items():
        days[f"{case.local(at):%Y-%m-%d}"].append(hour)
    for day, hours in days.items():
        affected, total = sum(h.affected for h in hours), sum(h.total for h in hours)
        yield f"  {day}  {_share(affected, total)}"


def _by_group(title: str, groups: Sequence[AffectedShare]) -> Iterator[str]:
    yield f"{title} (affected out of all)"
    for group in groups:
        yield f"  {group.name}  {_share(group.affected, group.total)}"


def _delay_line(name: str, delays: DelayStats) -> str:
    if not delays.percentiles:
        return f"  {name}: none"
    values = ", ".join(
        f"{label} {span.at_least_s:.2f} to {span.at_most_s:.2f}"
        for label, span in zip(("p50", "p95", "p99"), delays.percentiles, strict=True)
    )
    return f"  {name} ({delays.count}): {values}"


def _ruled_out(figures: CaseFigures, ruled: RuledOut) -> Iterator[str]:
    yield "What we have ruled out"
    yield (
        f"- Credentials: the same credentials fetched {ruled.others} other media without a 404 in "
        f"the same minutes, and {figures.retrieved} of the affected media later. "
        f"Requests in the period that returned 401 or 403: {ruled.refused or 'none'}."
    )
    if ruled.lag_p95_s is not None:
        baseline = ""
        if ruled.baseline_lag_p95_s is not None:
            baseline = f" (baseline: {ruled.baseline_lag_p95_s:.2f} s)"
        yield (
            "- Our queue: for 95% of the affected media our first request followed the webhook "
            f"within {ruled.lag_p95_s:.2f} s{baseline}. We did not cause the delays above: "
            "they end with your first response other than 404."
        )
    redirected = ""
    if ruled.redirected:
        redirected = (
            f"In the same period, {ruled.redirected} media were retrieved through a redirect to "
            f"{', '.join(ruled.hosts)}. "
        )
    yield (
        f"- Redirects: {ruled.by_origin} of the {figures.not_found} 404 responses came from the "
        f"API itself, before any redirect, and {ruled.by_cdn} after one. {redirected}"
        "Credentials are sent to the API only."
    )


def _examples(examples: Sequence[Row]) -> Iterator[str]:
    yield f"The first {len(examples)} of them (the attached files list all)"
    for example in examples:
        sid = example["message_sid"] or example["call_sid"] or example["recording_sid"]
        yield f"- {example['media_url']}"
        yield f"  {sid}, webhook at {example['webhook_received_at_local']}"
        for at, request_id in zip(
            example["not_found_at_local"], example["not_found_request_ids"], strict=True
        ):
            yield f"  404 at {at}, Twilio-Request-Id {request_id or 'not given'}"
        retrieved_at = example["retrieved_at_local"]
        yield f"  retrieved at {retrieved_at}" if retrieved_at else "  not retrieved yet"


def _questions(figures: CaseFigures) -> Iterator[str]:
    regions = " and ".join(region.name for region in figures.regions if region.affected)
    yield "Our questions"
    yield f"1. What delayed the propagation of these media{f' in {regions}' if regions else ''}?"
    yield "2. Has this been resolved, and if not, when will it be?"
    yield "3. How long after the webhook should we expect media to be available?"


def _share(affected: int, total: int) -> str:
    share = f" ({percent(affected / total)})" if total else ""
    return f"{affected} of {total}{share}"


def _time(moment: datetime, case: Case) -> str:
    return case.local(moment).isoformat(timespec="seconds")
