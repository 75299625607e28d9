"""The retry lab in the admin: the command's figures, and a form that says what is wrong."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.contrib.staticfiles import finders
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from mediapipe.models import MediaItem
from mediapipe.timing.retry_lab.comparison import compare
from mediapipe.timing.retry_lab.formatting import cells
from tests.support import early_404s, make

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def history() -> None:
    """Record ordinary media of the last six hours, and two late ones."""
    now = timezone.now()
    for hours in range(1, 7):
        early_404s.media(now - timedelta(hours=hours), found_s=0.2)
    early_404s.media(now - timedelta(hours=2), not_found_s=[0.1, 1.2], found_s=3.2)
    early_404s.media(now - timedelta(hours=3), not_found_s=[0.1], found_s=1.2)


def shown(client: Client, **params: str) -> str:
    answer = client.get(reverse("admin:retry_lab"), params)
    assert answer.status_code == 200
    return answer.content.decode()


def test_the_page_shows_the_figures_that_the_command_prints(admin_client: Client) -> None:
    page = shown(admin_client, period="24h")
    comparison = compare(MediaItem.objects.all())
    assert comparison is not None
    for result in comparison.results:
        for cell in cells(result):
            assert cell in page
    assert "RETRY_FACTOR=" in page


def test_the_plot_has_each_schedule_of_the_table(admin_client: Client) -> None:
    page = shown(admin_client, factor="1.5")
    legend = re.findall(r'dx="16" dy="4">([^<,]+)', page)
    assert legend[:3] == ["current", "proposed", "yours"]
    assert len(legend) == 6


def test_the_proposal_stays_within_the_budget(admin_client: Client) -> None:
    assert "requests, at most 5.00 per media item: " in shown(admin_client, budget="5")
    assert "raise the budget" in shown(admin_client, budget="1")


def test_only_media_of_the_chosen_account_and_period_are_replayed(admin_client: Client) -> None:
    assert "known or bounded delay: 8." in shown(admin_client, account_sid=make.ACCOUNT)
    assert "nothing to replay" in shown(admin_client, account_sid="AC" + "0" * 32)
    since = timezone.now() - timedelta(hours=2, minutes=30)
    assert "known or bounded delay: 3." in shown(admin_client, since=since.isoformat())


def test_a_slow_phase_can_be_left_out(admin_client: Client) -> None:
    assert "no slow phase" in shown(admin_client, slow_s="none")


@pytest.mark.parametrize(
    ("params", "sentence"),
    [
        ({"first_delay_s": "soon"}, "not a duration"),
        ({"first_delay_s": "0"}, "not a duration"),
        ({"slow_s": "10m,,1h"}, "not a duration"),
        ({"factor": "0.5"}, "greater than or equal to 1"),
        ({"factor": "nan"}, "Enter a number"),
        ({"budget": "x"}, "Enter a number"),
        ({"since": "yesterday"}, "is not a time"),
        ({"period": "2w"}, "There is no period"),
    ],
)
def test_invalid_input_is_reported_and_nothing_is_computed(
    admin_client: Client,
    params: dict[str, str],
    sentence: str,
    django_assert_max_num_queries: DjangoAssertNumQueries,
) -> None:
    with django_assert_max_num_queries(4):
        page = shown(admin_client, **params)
    assert sentence in page
    assert "<polyline" not in page


def test_submitted_values_stay_in_the_form_and_are_escaped(admin_client: Client) -> None:
    page = shown(admin_client, first_delay_s='"><script>alert(1)</script>')
    assert "<script>alert" not in page
    assert "&quot;&gt;&lt;script&gt;alert" in page


def test_the_page_has_no_inline_script_or_style(admin_client: Client) -> None:
    page = shown(admin_client)
    scripts = re.findall(r"<script(?![^>]*\bsrc=)[^>]*>", page)
    assert scripts == []
    assert " style=" not in page
    for path in re.findall(r'/static/(mediapipe/[\w./-]+)"', page):
        assert finders.find(path), path


def test_the_retry_lab_is_in_the_navigation(admin_client: Client) -> None:
    assert reverse("admin:retry_lab") in admin_client.get(reverse("admin:index")).content.decode()


def test_the_retry_lab_requires_the_permission_to_view_media(client: Client) -> None:
    client.force_login(User.objects.create_user("someone", is_staff=True))
    assert client.get(reverse("admin:retry_lab")).status_code == 403
