"""A login ends after ADMIN_IDLE_TIMEOUT without use, at the latest after ADMIN_SESSION_LIFETIME."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from django.contrib.auth.models import User
from django.contrib.sessions.models import Session
from django.test import Client
from django.urls import reverse
from pytest_django import Settings
from pytest_django.fixtures import DjangoAssertNumQueries

from tasks.purge import purge

pytestmark = pytest.mark.django_db

START = datetime(2026, 7, 1, 12, tzinfo=UTC)


@pytest.fixture
def client(settings: Settings) -> Client:
    settings.ADMIN_IDLE_TIMEOUT_S = 3600.0
    settings.ADMIN_SESSION_LIFETIME_S = 4 * 3600.0
    client = Client()
    with time_machine.travel(START, tick=False):
        client.force_login(User.objects.create_superuser("ada"))
        client.get(reverse("admin:index"))
    return client


def is_logged_in(client: Client, *, after: timedelta) -> bool:
    with time_machine.travel(START + after, tick=False):
        return client.get(reverse("admin:index")).status_code == 200


def test_an_active_user_stays_logged_in(client: Client) -> None:
    assert all(is_logged_in(client, after=timedelta(minutes=50 * n)) for n in range(1, 5))


def test_an_idle_user_is_logged_out(client: Client) -> None:
    assert not is_logged_in(client, after=timedelta(minutes=61))
    assert not Session.objects.exists()


def test_a_user_is_logged_out_at_the_end_of_the_lifetime(client: Client) -> None:
    assert all(is_logged_in(client, after=timedelta(minutes=50 * n)) for n in range(1, 5))
    assert not is_logged_in(client, after=timedelta(hours=4, minutes=1))


def test_a_request_without_the_cookie_reads_no_session(
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:
    with django_assert_num_queries(0):
        Client().get("/healthz")


def test_expired_sessions_are_removed(client: Client) -> None:
    Session.objects.update(expire_date=START)
    purge()
    assert not Session.objects.exists()
