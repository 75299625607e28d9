"""Login through an identity proxy: only headers that come from that proxy are trusted."""

from __future__ import annotations

import http.client
import ipaddress
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.exceptions import ImproperlyConfigured
from django.test import Client
from django.urls import reverse
from environ import Env
from pytest_django import Settings

from mediapipe.operations import checks, programs, roles
from mediapipe.operations.supervisor import Supervisor
from mediapipe.settings import web
from tests.support import make
from tests.support.servers import free_port
from tests.support.service import ROOT, wait_for_line

USER, GROUPS = "X-Forwarded-User", "X-Forwarded-Groups"
INDEX = "/admin/"


@pytest.fixture(autouse=True)
def company_login(settings: Settings) -> None:
    settings.REMOTE_USER_HEADER, settings.REMOTE_GROUPS_HEADER = USER, GROUPS
    settings.AUTHENTICATION_BACKENDS = ["mediapipe.operations.company_login.CompanyBackend"]


def get(client: Client, user: str = "", groups: str = "", **more: Any) -> Any:
    sent = {USER: user, GROUPS: groups}
    return client.get(INDEX, headers={name: value for name, value in sent.items() if value}, **more)


def role_names(name: str = "ada@corp.example") -> list[str]:
    return list(User.objects.get(username=name).groups.values_list("name", flat=True))


@pytest.mark.django_db
def test_a_user_from_the_proxy_is_created_with_the_role_of_their_group() -> None:
    assert get(Client(), "ada@corp.example", "staff,Support").status_code == 200
    assert role_names() == [roles.SUPPORT]
    assert not User.objects.get().has_usable_password()


@pytest.mark.django_db
def test_a_user_in_several_groups_gets_the_strongest_role(settings: Settings) -> None:
    settings.REMOTE_GROUPS = settings.REMOTE_GROUPS | {roles.ADMINISTRATOR: ["media-admins"]}
    get(Client(), "ada@corp.example", "Viewer|media-admins")
    assert role_names() == [roles.ADMINISTRATOR]


@pytest.mark.django_db
def test_a_changed_group_takes_effect_on_the_next_request() -> None:
    client = Client()
    get(client, "ada@corp.example", "Administrator")
    get(client, "ada@corp.example", "Viewer")
    assert role_names() == [roles.VIEWER]
    assert get(client, "ada@corp.example", "none").status_code == 403


@pytest.mark.django_db
def test_a_user_without_a_group_is_refused_with_a_page_that_names_the_groups() -> None:
    answer = get(Client(), "ada@corp.example", "accounting")
    assert answer.status_code == 403
    assert "Ask for one of the groups: Viewer, Support, Administrator" in answer.content.decode()
    assert not User.objects.exists()


@pytest.mark.django_db
def test_a_superuser_is_reduced_to_the_role_of_their_groups() -> None:
    User.objects.create_superuser("ada@corp.example")
    get(Client(), "ada@corp.example", "Viewer")
    assert not User.objects.get().is_superuser


@pytest.mark.django_db
def test_a_deactivated_user_is_refused() -> None:
    User.objects.create_user("ada@corp.example", is_active=False)
    answer = get(Client(), "ada@corp.example", "Administrator")
    assert (answer.status_code, role_names()) == (403, [])
    assert "deactivated" in answer.content.decode()


@pytest.mark.django_db
def test_a_user_is_logged_out_when_the_header_is_missing() -> None:
    client = Client()
    get(client, "ada@corp.example", "Viewer")
    assert get(client).status_code == 403
    assert "_auth_user_id" not in client.session


@pytest.mark.django_db
def test_another_user_in_the_same_browser_gets_their_own_session() -> None:
    client = Client()
    get(client, "ada@corp.example", "Administrator")
    answer = get(client, "bob@corp.example", "Viewer")
    assert answer.wsgi_request.user.get_username() == "bob@corp.example"


@pytest.mark.django_db
def test_the_header_is_ignored_unless_a_trusted_proxy_sends_it(settings: Settings) -> None:
    settings.TRUSTED_PROXIES = [ipaddress.ip_network("10.1.2.3")]
    answer = get(Client(), "ada@corp.example", "Administrator")
    assert answer.status_code == 403
    assert "this request came from 127.0.0.1" in answer.content.decode()
    proxied = get(Client(), "ada@corp.example", "Administrator", REMOTE_ADDR="::ffff:10.1.2.3")
    assert proxied.status_code == 200


@pytest.mark.django_db
def test_a_header_received_on_a_unix_socket_is_ignored() -> None:
    answer = get(Client(), "ada@corp.example", "Administrator", REMOTE_ADDR="")
    assert answer.status_code == 403


@pytest.mark.django_db
def test_without_the_setting_the_header_is_ignored(settings: Settings) -> None:
    settings.REMOTE_USER_HEADER = ""
    assert get(Client(), "ada@corp.example", "Administrator").status_code == 302


@pytest.mark.django_db
def test_passwords_do_not_work_while_company_login_is_enabled() -> None:
    User.objects.create_superuser("root", password="a long pass phrase")
    client = Client()
    form = {"username": "root", "password": "a long pass phrase"}
    assert client.post(reverse("admin:login"), form).status_code == 403
    assert not client.login(**form)


@pytest.mark.django_db
def test_the_header_neither_opens_the_api_nor_creates_a_user() -> None:
    sent = {USER: "ada@corp.example", GROUPS: "Administrator"}
    assert Client().get("/api/v1/media", headers=sent).status_code == 401
    assert not User.objects.exists()


@pytest.mark.django_db
def test_the_page_after_a_logout_links_to_the_logout_of_the_proxy(settings: Settings) -> None:
    settings.REMOTE_LOGOUT_URL = "/oauth2/sign_out"
    sent = {USER: "ada@corp.example", GROUPS: "Viewer"}
    answer = Client().post(reverse("admin:logout"), headers=sent)
    assert 'href="/oauth2/sign_out"' in answer.content.decode()


@pytest.mark.parametrize("header", ["X_Forwarded_User", "X-Forwarded-User:", "Ü"])
def test_an_invalid_header_name_is_refused_with_an_example(
    header: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REMOTE_USER_HEADER", header)
    with pytest.raises(ImproperlyConfigured, match="for example REMOTE_USER_HEADER=X-Forwarded"):
        web.header_name(Env(), "REMOTE_USER_HEADER")


def test_a_logout_url_that_is_neither_path_nor_https_is_refused_with_an_example(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("REMOTE_LOGOUT_URL", "javascript:alert(1)")
    with pytest.raises(ImproperlyConfigured, match="for example REMOTE_LOGOUT_URL=/oauth2"):
        web.logout_url(Env(), "REMOTE_LOGOUT_URL")


@pytest.mark.parametrize(("header", "ids"), [(GROUPS, []), ("", ["E010"]), (USER, ["E010"])])
def test_the_check_requires_a_separate_groups_header(
    settings: Settings, header: str, ids: list[str]
) -> None:
    settings.REMOTE_GROUPS_HEADER = header
    found = checks.company_login_is_complete(None)
    assert [each.id for each in found] == [f"mediapipe.{name}" for name in ids]


def test_the_check_refuses_to_trust_every_address(settings: Settings) -> None:
    settings.TRUSTED_PROXIES = [ipaddress.ip_network("0.0.0.0/0")]
    assert [each.id for each in checks.company_login_is_complete(None)] == ["mediapipe.E011"]


@pytest.fixture(scope="module")
def port(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    """Run the web server alone; of this machine's addresses it trusts only 127.0.0.1."""
    data_dir, port = tmp_path_factory.mktemp("data"), free_port()
    env = {
        **os.environ,
        "DATA_DIR": str(data_dir),
        "DATABASE_URL": f"sqlite:///{data_dir / 'mediapipe.sqlite3'}",
        "CELERY_BROKER_URL": f"redis://127.0.0.1:{free_port()}/0",
        "TWILIO_ACCOUNT_SID": make.ACCOUNT,
        "TWILIO_AUTH_TOKEN": make.TOKEN,
        "REMOTE_USER_HEADER": USER,
        "REMOTE_GROUPS_HEADER": GROUPS,
        "TRUSTED_PROXIES": "127.0.0.1",
    }
    migrate = [sys.executable, "manage.py", "migrate", "--verbosity=0"]
    subprocess.run(migrate, cwd=ROOT, env=env, check=True, timeout=120)
    with Supervisor([programs.web(f"127.0.0.1:{port}")], env=env, log_dir=data_dir):
        wait_for_line(Path(data_dir) / "web.log", "Listening")
        yield port


@pytest.mark.services
@pytest.mark.parametrize(
    ("client", "users", "status"),
    [
        ("127.0.0.1", [(USER, "ada")], 302),
        ("127.0.0.2", [(USER, "ada")], 403),
        ("127.0.0.1", [("X_Forwarded_User", "ada")], 403),
        ("127.0.0.1", [("X-Forwarded_User", "ada")], 403),
        ("127.0.0.1", [(USER, "ada"), (USER, "root")], 403),
        ("127.0.0.1", [], 403),
    ],
)
def test_the_web_server_passes_only_a_valid_header_from_the_proxy(
    port: int, client: str, users: list[tuple[str, str]], status: int
) -> None:
    connection = http.client.HTTPConnection(
        "127.0.0.1", port, timeout=30, source_address=(client, 0)
    )
    # The login page redirects a user who is logged in to the overview.
    connection.putrequest("GET", "/admin/login/")
    for name, value in [*users, (GROUPS, "Viewer")]:
        connection.putheader(name, value)
    connection.endheaders()
    assert connection.getresponse().status == status
    connection.close()
