"""The cookies and headers that browsers get if PUBLIC_BASE_URL is an https URL."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.support.commands import manage

LOG_IN = """
import json
from django.contrib.auth.models import User
from django.test import Client

User.objects.create_superuser("ada", password="correct horse battery")
client = Client(headers={"Host": "media.example.com", "X-Forwarded-Proto": "https"})
page = client.get("/admin/login/")
client.post("/admin/login/", {"username": "ada", "password": "correct horse battery"})
cookies = {name: dict(morsel) for name, morsel in client.cookies.items()}
print(json.dumps({"cookies": cookies, "headers": dict(page.headers)}))
"""


@pytest.fixture(scope="module")
def answers(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """Return the cookies of a login, and the headers of the login page."""
    data_dir: Path = tmp_path_factory.mktemp("data")
    public = {"PUBLIC_BASE_URL": "https://media.example.com"}
    assert manage("migrate", "-v0", data_dir=data_dir, **public).returncode == 0
    done = manage("shell", "-v0", "-c", LOG_IN, data_dir=data_dir, **public)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_every_cookie_is_bound_to_this_host_and_to_https(answers: Any) -> None:
    assert len(answers["cookies"]) >= 2
    for name, cookie in answers["cookies"].items():
        assert name.startswith("__Host-")
        assert (cookie["secure"], cookie["path"], cookie["domain"]) == (True, "/", ""), name


def test_cookies_are_same_site_and_scripts_cannot_read_the_session(answers: Any) -> None:
    assert {cookie["samesite"] for cookie in answers["cookies"].values()} <= {"Lax", "Strict"}
    assert answers["cookies"]["__Host-sessionid"]["httponly"]


def test_browsers_are_required_to_use_https_for_a_year(answers: Any) -> None:
    assert answers["headers"]["Strict-Transport-Security"] == "max-age=31536000"


def test_an_admin_page_sends_headers_against_framing_sniffing_and_caching(answers: Any) -> None:
    headers = answers["headers"]
    assert headers["X-Frame-Options"] == "DENY"
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Referrer-Policy"] == "same-origin"
    assert "no-store" in headers["Cache-Control"]
