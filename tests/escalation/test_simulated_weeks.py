"""In each kind of week exactly the right incidents open, and each 404 is diagnosed correctly."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from pytest_django import Settings

from mediapipe.models import Cause, Incident, StepKind
from tests.support.simulated_weeks import (
    LARGE,
    MONDAY,
    SMALL,
    STRANGE,
    Conditions,
    ConditionsAt,
    Week,
)

pytestmark = [pytest.mark.django_db, pytest.mark.slow]

ACCOUNTS = (LARGE, SMALL, STRANGE)
MANY = tuple(f"AC{number:032x}" for number in range(11, 17))
USUAL = {LARGE: Conditions(300), SMALL: Conditions(100), STRANGE: Conditions(0)}
THURSDAY = MONDAY + timedelta(days=3, hours=10)
OUTAGE_END = THURSDAY + timedelta(hours=2)
TUESDAY = MONDAY + timedelta(days=1, hours=9)
EVENING = THURSDAY + timedelta(hours=8)


def quiet(account_sid: str, at: datetime) -> Conditions:
    return USUAL[account_sid]


def outbreak(account_sid: str, at: datetime) -> Conditions:
    """Most of one account's media is late for some hours on Thursday."""
    if account_sid == LARGE and THURSDAY <= at < EVENING:
        return Conditions(300, late_share=0.6, median_s=25.0)
    return USUAL[account_sid]


def outbreak_everywhere(account_sid: str, at: datetime) -> Conditions:
    usual = Conditions(60)
    return Conditions(60, late_share=0.6, median_s=25.0) if THURSDAY <= at < EVENING else usual


def drift(account_sid: str, at: datetime) -> Conditions:
    """One account's media gets a little later each day."""
    days = max(0.0, (at - MONDAY) / timedelta(days=1))
    if account_sid == LARGE:
        return Conditions(300, late_share=0.02 + 0.012 * days, median_s=3.0 * (1.6**days))
    return USUAL[account_sid]


def strange_credentials(account_sid: str, at: datetime) -> Conditions:
    """From Tuesday on there is a new account with the credentials of another one."""
    if account_sid == STRANGE and at >= TUESDAY:
        return Conditions(60, has_wrong_credentials=True)
    return USUAL[account_sid]


def outage(account_sid: str, at: datetime) -> Conditions:
    """Our worker is down for two hours on Thursday."""
    is_down = THURSDAY <= at < OUTAGE_END
    return Conditions(USUAL[account_sid].media_a_day, down_until=OUTAGE_END if is_down else None)


def busy(account_sid: str, at: datetime) -> Conditions:
    """Traffic is four times as high on Thursday, with as small a share of it late."""
    times = 4 if THURSDAY <= at < EVENING else 1
    return Conditions(USUAL[account_sid].media_a_day * times, late_share=0.01)


Simulate = Callable[..., Week]


@pytest.fixture
def simulate(settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Simulate:
    """Return a function that simulates a week under given conditions."""
    accounts = [{"account_sid": sid, "auth_tokens": ["t"]} for sid in (*ACCOUNTS, *MANY)]
    (tmp_path / "accounts.json").write_text(json.dumps(accounts))
    settings.TWILIO_ACCOUNTS_FILE = str(tmp_path / "accounts.json")

    def simulate(
        conditions_at: ConditionsAt,
        accounts: tuple[str, ...] = ACCOUNTS,
        seed: int = 1,
        begins: datetime | None = None,
    ) -> Week:
        week = Week(conditions_at, accounts, seed=seed)
        monkeypatch.setattr("mediapipe.fetching.not_found.send_request", week.send_request)
        week.run(begins)
        return week

    return simulate


@pytest.mark.parametrize("seed", range(3))
def test_a_quiet_week_opens_no_incident(simulate: Simulate, seed: int) -> None:
    week = simulate(quiet, seed=seed)
    week.report(f"quiet, {seed + 1} of 3", 0)
    assert week.announced() == []
    assert not week.wrong_diagnoses()


def test_a_busy_day_opens_no_incident(simulate: Simulate) -> None:
    week = simulate(busy)
    week.report("four times the traffic on a day", 0)
    assert week.announced() == []


def test_an_outbreak_opens_one_incident_for_its_account(simulate: Simulate) -> None:
    week = simulate(outbreak, begins=THURSDAY)
    week.report("outbreak of one account", 1, THURSDAY, EVENING)
    kinds = [kind for kind, *_ in week.announced()]
    assert (kinds[0], kinds[-1], set(kinds[1:-1])) == (
        StepKind.OPENED,
        StepKind.RECOVERED,
        {StepKind.WORSE},
    )
    assert {step[1:] for step in week.announced()} == {(Cause.EARLY_404S, LARGE)}
    assert timedelta() < Incident.objects.get().opened_at - THURSDAY < timedelta(hours=3)
    assert not week.wrong_diagnoses()


def test_an_outbreak_in_all_accounts_opens_one_incident_for_the_whole_service(
    simulate: Simulate,
) -> None:
    week = simulate(outbreak_everywhere, MANY, begins=THURSDAY)
    week.report("outbreak of everybody", 1, THURSDAY, EVENING)
    assert {step[1:] for step in week.announced()} == {(Cause.EARLY_404S, "")}
    assert [kind for kind, *_ in week.announced()].count(StepKind.OPENED) == 1
    assert not week.wrong_diagnoses()


def test_a_slow_drift_opens_an_incident_within_the_week(simulate: Simulate) -> None:
    week = simulate(drift)
    week.report("slow drift of one account", 1, MONDAY)
    opened = [sid for kind, _, sid in week.announced() if kind == StepKind.OPENED]
    assert opened == [LARGE]
    assert Incident.objects.get().cause in (Cause.SLOW_PROPAGATION, Cause.EARLY_404S)
    assert not week.wrong_diagnoses()


def test_credentials_of_another_account_open_only_a_credentials_incident(
    simulate: Simulate,
) -> None:
    week = simulate(strange_credentials, begins=TUESDAY)
    week.report("credentials of another account", 1, TUESDAY)
    assert week.announced() == [(StepKind.OPENED, Cause.CREDENTIALS_SUSPECTED, STRANGE)]
    assert not week.wrong_diagnoses()


def test_an_outage_of_our_own_queue_is_not_attributed_to_twilio(simulate: Simulate) -> None:
    week = simulate(outage, begins=OUTAGE_END)
    week.report("our own queue away for two hours", 1, OUTAGE_END, OUTAGE_END)
    assert week.announced() == [
        (StepKind.OPENED, Cause.QUEUE, ""),
        (StepKind.RECOVERED, Cause.QUEUE, ""),
    ]
    assert not week.wrong_diagnoses()
