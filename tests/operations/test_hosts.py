"""Probes and Prometheus may send any Host header; browsers and API clients only our own."""

from __future__ import annotations

import pytest
from django.test import Client
from django.urls import reverse

pytestmark = pytest.mark.django_db

PROBES = ["/healthz", "/readyz", "/metrics"]
HOSTS = [
    "10.2.3.4:8000",
    "web:8000",
    # Django rejects an underscore in a host, whatever ALLOWED_HOSTS contains.
    "mediapipe_web:8000",
    "not a host",
    "evil.example",
    "",
]


@pytest.fixture(autouse=True)
def broker(monkeypatch: pytest.MonkeyPatch) -> None:
    """Use a broker that responds."""
    monkeypatch.setenv("CELERY_BROKER_WRITE_URL", "memory://")


@pytest.mark.parametrize("path", PROBES)
@pytest.mark.parametrize("host", HOSTS)
def test_a_probe_may_send_any_host_header(client: Client, path: str, host: str) -> None:
    response = client.get(path, headers={"Host": host})
    assert response.status_code == 200
    assert response["Content-Length"]


@pytest.mark.parametrize("path", PROBES)
def test_a_probe_may_omit_the_host_header(client: Client, path: str) -> None:
    assert client.get(path, SERVER_NAME="0.0.0.0").status_code == 200  # noqa: S104


@pytest.mark.parametrize("path", ["/", "/admin/", "/admin/login/", "/admin/nowhere/", "/api/v1/"])
@pytest.mark.parametrize("host", HOSTS)
def test_every_other_page_refuses_an_unknown_host(client: Client, path: str, host: str) -> None:
    assert client.get(path, headers={"Host": host}).status_code == 400


def test_an_admin_form_refuses_an_unknown_host(client: Client) -> None:
    login = reverse("admin:login")
    assert client.post(login, {}, headers={"Host": "evil.example"}).status_code == 400
