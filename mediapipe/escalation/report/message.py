"""The message to Twilio Support, as plain text that survives a web form."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime

from mediapipe.escalation.report.case import BASELINE_DAYS, Case
from mediapipe.escalation.report.figures import Delays, Figures, Group
from mediapipe.escalation.report.rows import Row
from mediapipe.escalation.report.ruled_out import RuledOut
from mediapipe.models.delays import Span

# A longer table by hour is one by day.
MOST_HOURS = 48
EXAMPLES = 5


def message(case: Case, found: Figures, examples: Sequence[Row]) -> str:
    """Return the whole message; `examples` are the rows of some of the affected media."""
    parts: list[Iterable[str]] = [
        _subject(found),
        _what_happens(case, found),
        _by_time(case, found),
        _by_group("By region (X-Home-Region of your answers)", found.regions),
        _by_group("By account", found.accounts),
        _delays(found),
        _ruled_out(found),
        _examples(examples),
        _question(found),
    ]
    return "\n\n".join("\n".join(part) for part in parts) + "\n"


def subject(found: Figures) -> str:
    """Return the line that names the case."""
    return f"Media URLs answer 404 after their webhook: {_of(found.affected, found.total)} media"


def _subject(found: Figures) -> Iterator[str]:
    yield f"Subject: {subject(found)}"


def _what_happens(case: Case, found: Figures) -> Iterator[str]:
    codes = f" (error {', '.join(map(str, found.codes))})" if found.codes else ""
    yield "What happens"
    yield (
        "An authenticated GET of a media URL that your webhook has just announced answers "
        f"404{codes}. Later the same URL works, with the same credentials."
    )
    yield f"First affected webhook: {_moment(found.first_at, case)}"
    yield f"Last affected webhook:  {_moment(found.last_at, case)}"
    yield (
        f"Affected: {_of(found.affected, found.total)} media announced from "
        f"{_moment(case.since, case)} to {_moment(case.until, case)}, "
        f"with {found.not_found} answers 404 in all."
    )
    yield _usual(case, found.usual)
    if case.left_out:
        yield (
            f"Not counted: {case.left_out} more whose 404s have another reason, "
            "such as that the media was deleted."
        )
    waiting = found.affected - found.retrieved
    yield (
        f"{found.retrieved} of the {found.affected} were retrieved in the end"
        + (f"; {waiting} were not up to now." if waiting else ".")
    )


def _usual(case: Case, usual: Group) -> str:
    if not usual.total:
        return f"There is no media of the {BASELINE_DAYS} days before to compare with."
    return f"Usual: {_of_group(usual)}, in {case.baseline_in_words()}."


def _by_time(case: Case, found: Figures) -> Iterator[str]:
    if len(found.hours) <= MOST_HOURS:
        yield "By hour of the webhook (affected of all)"
        for at, group in found.hours.items():
            yield f"  {case.local(at).isoformat(timespec='minutes')}  {_of_group(group)}"
        return
    yield f"By day of the webhook in {case.zone.key} (affected of all, in the hours affected)"
    days: dict[str, list[Group]] = defaultdict(list)
    for at, group in found.hours.items():
        days[f"{case.local(at):%Y-%m-%d}"].append(group)
    for day, hours in days.items():
        affected, total = sum(h.affected for h in hours), sum(h.total for h in hours)
        yield f"  {day}  {_of(affected, total)}"


def _by_group(title: str, groups: Sequence[Group]) -> Iterator[str]:
    yield f"{title} (affected of all)"
    for group in groups:
        yield f"  {group.name}  {_of_group(group)}"


def _delays(found: Figures) -> Iterator[str]:
    yield "Seconds from the webhook until the media was there"
    yield ("  (between our last 404 and the first other answer; of the media that came in the end)")
    yield _delay_line("affected media", found.delays)
    yield _delay_line("all media of the period", found.all_delays)
    yield _delay_line("usual, as above", found.usual_delays)


def _delay_line(name: str, delays: Delays) -> str:
    if not delays.percentiles:
        return f"  {name}: none"
    values = ", ".join(
        f"{label} {_span(span)}"
        for label, span in zip(("p50", "p95", "p99"), delays.percentiles, strict=True)
    )
    return f"  {name} ({delays.count}): {values}"


def _ruled_out(found: Figures) -> Iterator[str]:
    yield "What we have ruled out"
    yield from map("- {}".format, _reasons(found, found.ruled_out))


def _reasons(found: Figures, ruled: RuledOut) -> Iterator[str]:
    yield (
        f"Credentials: the same credentials fetched {ruled.others} other media without a 404 in "
        f"the same minutes, and {found.retrieved} of the affected ones later. "
        f"{ruled.refused or 'No'} requests of the period were answered 401 or 403."
    )
    if ruled.lag_p95_s is not None:
        yield (
            f"Our queue: for 95 % of the affected media our first request followed the webhook "
            f"within {ruled.lag_p95_s:.2f} s{_usual_lag(ruled)}. The delays above are not ours: "
            "they end with your first answer other than 404."
        )
    yield (
        f"Redirects: {ruled.by_origin} of the {found.not_found} answers 404 came from the API "
        f"itself, before any redirect, and {ruled.by_cdn} after one. {_followed(ruled)}"
        "Credentials are sent to the API alone."
    )


def _usual_lag(ruled: RuledOut) -> str:
    return "" if ruled.usual_lag_p95_s is None else f" (usual: {ruled.usual_lag_p95_s:.2f} s)"


def _followed(ruled: RuledOut) -> str:
    if not ruled.redirected:
        return ""
    hosts = ", ".join(ruled.hosts)
    return f"In the same period {ruled.redirected} media came by way of a redirect to {hosts}. "


def _examples(examples: Sequence[Row]) -> Iterator[str]:
    yield f"The first {len(examples)} of them (all of them are in the files attached)"
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


def _question(found: Figures) -> Iterator[str]:
    regions = " and ".join(group.name for group in found.regions if group.affected)
    yield "Our questions"
    yield f"1. What delayed the propagation of these media{f' in {regions}' if regions else ''}?"
    yield "2. Is it over, or when will it be?"
    yield "3. How long after the webhook should we expect media to be available?"


def _of(affected: int, total: int) -> str:
    share = f" ({affected / total:.1%})" if total else ""
    return f"{affected} of {total}{share}"


def _of_group(group: Group) -> str:
    return _of(group.affected, group.total)


def _span(span: Span) -> str:
    return f"{span.at_least_s:.2f} to {span.at_most_s:.2f}"


def _moment(moment: datetime, case: Case) -> str:
    return case.local(moment).isoformat(timespec="seconds")
