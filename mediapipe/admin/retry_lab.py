"""The retry lab in the admin: what other schedules would have made of the recorded delays."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponseBase
from django.utils import timezone

from mediapipe.admin.pages import page, render_page
from mediapipe.fetching.schedule import Schedule
from mediapipe.models import MediaItem
from mediapipe.settings.values import duration_s
from mediapipe.timing.period import LENGTHS, Period, PeriodUnreadable
from mediapipe.timing.retry_lab import formatting
from mediapipe.timing.retry_lab.comparison import Comparison, compare
from mediapipe.timing.retry_lab.policies import Policy, environment

# Longer than other pages, because late media is rare.
DEFAULT_PERIOD = "7d"


class DurationField(forms.CharField):
    """A duration as the environment takes it, in seconds; None if nothing was written."""

    def clean(self, value: Any) -> float | None:
        """Return the seconds; raise ValidationError for what is none, or none above zero."""
        text = super().clean(value)
        if not text:
            return None
        try:
            seconds = duration_s(text)
        except ValueError:
            seconds = 0.0
        if not seconds:
            raise ValidationError(f"“{text}” is no duration; write 0.5s, 90, 10m or 3h.")
        return seconds


class DurationsField(DurationField):
    """A comma list of durations; None if nothing was written, "none" for an empty list."""

    def clean(self, value: Any) -> Any:
        """Return a tuple of seconds or None; raise ValidationError."""
        text = forms.CharField.clean(self, value)
        if not text:
            return None
        if text == "none":
            return ()
        one = super().clean
        # A gap between two commas is an error, not a duration that was left out.
        return tuple(one(part.strip() or ",") for part in text.split(","))


class LabForm(forms.Form):
    """What is compared, and how many requests the proposal may cost; all of it may be left out."""

    account_sid = forms.CharField(required=False, label="Account", empty_value="")
    budget = forms.FloatField(
        required=False, min_value=1, max_value=1000, label="Requests a media item, at most"
    )
    first_delay_s = DurationField(required=False, label="First delay")
    factor = forms.FloatField(required=False, min_value=1, max_value=10, label="Factor")
    max_delay_s = DurationField(required=False, label="Longest delay")
    fast_window_s = DurationField(required=False, label="Fast window")
    slow_s = DurationsField(required=False, label="Slow schedule")

    def others(self) -> list[Policy]:
        """Return the schedule that the form describes; none if it describes none."""
        names = ("first_delay_s", "factor", "max_delay_s", "fast_window_s", "slow_s")
        given = {name: self.cleaned_data[name] for name in names}
        changes = {name: value for name, value in given.items() if value is not None}
        schedule = replace(Schedule.from_settings(), **changes)
        return [Policy(formatting.YOURS, schedule=schedule)] if changes else []


@page("retry-lab/", name="retry_lab", title="Retry lab")
def retry_lab(request: HttpRequest) -> HttpResponseBase:
    """Show the comparison for a period, with a schedule of one's own beside the known ones."""
    form = LabForm(request.GET)
    params = request.GET.dict()
    if not params.keys() & {"period", "since", "until"}:
        params["period"] = DEFAULT_PERIOD
    try:
        period, problem = Period.read(params, timezone.now()), ""
    except PeriodUnreadable as unreadable:
        period, problem = Period.named(DEFAULT_PERIOD, timezone.now()), str(unreadable)
    # Nothing is computed for a form that says something else than was meant.
    comparison = _compared(form, period) if form.is_valid() and not problem else None
    return render_page(
        request,
        "retry_lab.html",
        title="Retry lab",
        form=form,
        present=_placeholders(),
        period=period,
        lengths=LENGTHS,
        problem=problem,
        nothing="" if form.errors or problem else formatting.NOTHING,
        **(_shown(comparison) if comparison else {}),
    )


def _compared(form: LabForm, period: Period) -> Comparison | None:
    media = MediaItem.objects.filter(received_at__gte=period.since, received_at__lt=period.until)
    if account_sid := form.cleaned_data["account_sid"]:
        media = media.filter(account_sid=account_sid)
    return compare(media, others=form.others(), budget=form.cleaned_data["budget"])


def _placeholders() -> dict[str, str]:
    """Return what each field means that is left empty: the schedule that is in force."""
    names = ("first_delay_s", "factor", "max_delay_s", "fast_window_s", "slow_s")
    return dict(zip(names, environment(Schedule.from_settings()).values(), strict=True))


def _shown(comparison: Comparison) -> dict[str, Any]:
    proposal = comparison.proposal
    variables = environment(proposal.schedule) if proposal else {}
    return {
        "columns": formatting.COLUMNS,
        "rows": [formatting.cells(outcome) for outcome in comparison.outcomes],
        "taken": formatting.what_was_taken(comparison.delays),
        "brackets": formatting.BRACKETS,
        "proposal": formatting.what_is_proposed(comparison),
        "settings": "\n".join(f"{name}={value}" for name, value in variables.items()),
        "chart": _chart(comparison),
    }


def _chart(comparison: Comparison) -> dict[str, Any]:
    return {
        "budget": comparison.budget,
        "frontier": [
            [each.figures.requests, each.figures.excess_mean_s] for each in comparison.frontier
        ],
        "policies": [
            {
                "name": outcome.policy.name,
                "requests": outcome.estimate.requests,
                "wait_s": outcome.estimate.excess_mean_s,
                "retrieved": outcome.estimate.retrieved,
                "misses": formatting.misses(outcome, comparison),
            }
            for outcome in comparison.outcomes
        ],
    }
