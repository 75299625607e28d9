"""In a week of each kind exactly the right incidents open, and each 404 is put down rightly."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from pytest_django import Settings

from mediapipe.models import Cause, Incident
from tests.weeks import LARGE, MONDAY, SMALL, STRANGE, Climate, Weather, Week

pytestmark = pytest.mark.django_db

ACCOUNTS = (LARGE, SMALL, STRANGE)
MANY = tuple(f"AC{number:032x}" for number in range(11, 17))
USUAL = {LARGE: Weather(300), SMALL: Weather(100), STRANGE: Weather(0)}
THURSDAY = MONDAY + timedelta(days=3, hours=10)
EVENING = THURSDAY + timedelta(hours=8)


def quiet(account_sid: str, at: datetime) -> Weather:
    return USUAL[account_sid]


def outbreak(account_sid: str, at: datetime) -> Weather:
    """Have most of one account's media late for some hours of Thursday."""
    if account_sid == LARGE and THURSDAY <= at < EVENING:
        return Weather(300, late_share=0.6, median_s=25.0)
    return USUAL[account_sid]


def outbreak_everywhere(account_sid: str, at: datetime) -> Weather:
    usual = Weather(60)
    return Weather(60, late_share=0.6, median_s=25.0) if THURSDAY <= at < EVENING else usual


def drift(account_sid: str, at: datetime) -> Weather:
    """Have one account's media a little later each day."""
    days = max(0.0, (at - MONDAY) / timedelta(days=1))
    if account_sid == LARGE:
        return Weather(300, late_share=0.02 + 0.012 * days, median_s=3.0 * (1.6**days))
    return USUAL[account_sid]


def strange_credentials(account_sid: str, at: datetime) -> Weather:
    """Have a new account from Tuesday on, with the credentials of another one."""
    if account_sid == STRANGE and at >= MONDAY + timedelta(days=1, hours=9):
        return Weather(60, opens_nothing=True)
    return USUAL[account_sid]


def outage(account_sid: str, at: datetime) -> Weather:
    """Have our worker away for two hours of Thursday."""
    back = THURSDAY + timedelta(hours=2)
    away = THURSDAY <= at < back
    return Weather(USUAL[account_sid].media_a_day, down_until=back if away else None)


def busy(account_sid: str, at: datetime) -> Weather:
    """Have ten times the traffic on Thursday, with as small a share of it late."""
    times = 4 if THURSDAY <= at < EVENING else 1
    return Weather(USUAL[account_sid].media_a_day * times, late_share=0.005)


Live = Callable[..., Week]


@pytest.fixture
def live(settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Live:
    """Return what lives through a week of a climate."""
    accounts = [{"account_sid": sid, "auth_tokens": ["t"]} for sid in (*ACCOUNTS, *MANY)]
    (tmp_path / "accounts.json").write_text(json.dumps(accounts))
    settings.TWILIO_ACCOUNTS_FILE = str(tmp_path / "accounts.json")

    def live(climate: Climate, accounts: tuple[str, ...] = ACCOUNTS, seed: int = 1) -> Week:
        week = Week(climate, accounts, seed=seed)
        monkeypatch.setattr("mediapipe.whose_fault.ask", week.ask)
        week.run()
        return week

    return live


@pytest.mark.parametrize("seed", range(3))
def test_a_quiet_week_raises_nothing(live: Live, seed: int) -> None:
    week = live(quiet, seed=seed)
    assert week.announced() == []
    assert not week.wrong()


def test_a_busy_day_raises_nothing(live: Live) -> None:
    assert live(busy).announced() == []


def test_an_outbreak_is_one_incident_of_its_account(live: Live) -> None:
    week = live(outbreak)
    assert week.announced() == [
        ("opened", Cause.EARLY_404S, LARGE),
        ("worse", Cause.EARLY_404S, LARGE),
        ("recovered", Cause.EARLY_404S, LARGE),
    ]
    incident = Incident.objects.get()
    assert timedelta() < incident.opened_at - THURSDAY < timedelta(hours=3)
    assert not week.wrong()


def test_an_outbreak_of_everybody_is_one_incident_of_nobody(live: Live) -> None:
    week = live(outbreak_everywhere, MANY)
    assert [s for s in week.announced() if s[0] == "opened"] == [("opened", Cause.EARLY_404S, "")]
    assert not week.wrong()


def test_a_slow_drift_is_noticed_within_the_week(live: Live) -> None:
    week = live(drift)
    assert [(kind, sid) for kind, _, sid in week.announced() if kind == "opened"] == [
        ("opened", LARGE)
    ]
    assert not week.wrong()


def test_credentials_of_another_account_are_suspected_and_no_case_for_twilio(live: Live) -> None:
    week = live(strange_credentials)
    assert week.announced() == [("opened", Cause.CREDENTIALS_SUSPECTED, STRANGE)]
    assert not week.wrong()


def test_an_outage_of_our_own_queue_is_not_put_down_to_twilio(live: Live) -> None:
    week = live(outage)
    assert week.announced() == [("opened", Cause.QUEUE, ""), ("recovered", Cause.QUEUE, "")]
    assert not week.wrong()
