from __future__ import annotations

from dataclasses import replace
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponseBase
from django.utils import timezone

from mediapipe.admin.filters import account_choices, period_choices
from mediapipe.admin.pages import page, render_page
from mediapipe.fetching.schedule import Schedule
from mediapipe.models import MediaItem
from mediapipe.settings.values import duration_s
from mediapipe.timing.period import DEFAULT, InvalidPeriod, Period
from mediapipe.timing.retry_lab import formatting
from mediapipe.timing.retry_lab.comparison import Comparison, compare
from mediapipe.timing.retry_lab.plot import Plot
from mediapipe.timing.retry_lab.policies import Policy, environment

# In the order of the variables that environment() returns.
SCHEDULE_FIELDS = ("first_delay_s", "factor", "max_delay_s", "fast_window_s", "slow_s")


class DurationField(forms.CharField):
    """A duration written as in the environment variables; its value is seconds, None if empty."""

    def clean(self, value: Any) -> float | None:
        """Return the seconds; raise ValidationError unless they are above zero."""
        text = super().clean(value)
        if not text:
            return None
        try:
            seconds = duration_s(text)
        except ValueError:
            seconds = 0.0
        if not seconds:
            raise ValidationError(f"“{text}” is not a duration; write 0.5s, 90, 10m or 3h.")
        return seconds


class DurationsField(DurationField):
    """Comma-separated durations; None if empty, "none" for an empty list."""

    def clean(self, value: Any) -> Any:
        """Return a tuple of seconds, or None; raise ValidationError for an invalid duration."""
        text = forms.CharField.clean(self, value)
        if not text:
            return None
        if text == "none":
            return ()
        clean_one = super().clean
        # Two commas in a row are an error, not an omitted duration.
        return tuple(clean_one(part.strip() or ",") for part in text.split(","))


class LabForm(forms.Form):
    """The account, the budget of the proposal, and a schedule to compare; all optional."""

    account_sid = forms.CharField(required=False, label="Account", empty_value="")
    budget = forms.FloatField(
        required=False, min_value=1, max_value=1000, label="Maximum requests per media item"
    )
    first_delay_s = DurationField(required=False, label="First delay")
    factor = forms.FloatField(required=False, min_value=1, max_value=10, label="Factor")
    max_delay_s = DurationField(required=False, label="Longest delay")
    fast_window_s = DurationField(required=False, label="Fast window")
    slow_s = DurationsField(required=False, label="Slow schedule")

    def others(self) -> list[Policy]:
        """Return the schedule of the form as a policy, or none if all its fields are empty."""
        values = {name: self.cleaned_data[name] for name in SCHEDULE_FIELDS}
        changes = {name: value for name, value in values.items() if value is not None}
        schedule = replace(Schedule.from_settings(), **changes)
        return [Policy(formatting.YOURS, schedule=schedule)] if changes else []


@page("retry-lab/", name="retry_lab", title="Retry lab")
def retry_lab(request: HttpRequest) -> HttpResponseBase:
    """Compare other retry schedules with the current one on the recorded delays of a period."""
    form = LabForm(request.GET)
    try:
        period, problem = Period.from_query(request.GET.dict(), timezone.now()), ""
    except InvalidPeriod as invalid:
        period, problem = Period.named(DEFAULT, timezone.now()), str(invalid)
    context: dict[str, Any] = {}
    if not problem and form.is_valid():
        media = MediaItem.objects.filter(
            received_at__gte=period.since, received_at__lt=period.until
        )
        if account_sid := form.cleaned_data["account_sid"]:
            media = media.filter(account_sid=account_sid)
        comparison = compare(media, others=form.others(), budget=form.cleaned_data["budget"])
        context = _context(comparison) if comparison else {"nothing": formatting.NO_DATA}
    current = environment(Schedule.from_settings()).values()
    return render_page(
        request,
        "retry_lab.html",
        title="Retry lab",
        form=form,
        accounts=account_choices(form["account_sid"].value() or ""),
        current=dict(zip(SCHEDULE_FIELDS, current, strict=True)),
        **period_choices(period),
        problem=problem,
        **context,
    )


def _context(comparison: Comparison) -> dict[str, Any]:
    proposal = comparison.proposal
    variables = environment(proposal.schedule) if proposal else {}
    return {
        "columns": formatting.COLUMNS,
        "rows": [formatting.cells(result) for result in comparison.results],
        "sample_note": formatting.sample_note(comparison.intervals),
        "brackets": formatting.BRACKETS,
        "proposal": formatting.proposal_sentence(comparison),
        "settings": "\n".join(f"{name}={value}" for name, value in variables.items()),
        "plot": Plot.from_comparison(comparison),
    }
