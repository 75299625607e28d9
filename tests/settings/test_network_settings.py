"""MEDIA_PROXY and MEDIA_CA_FILE in the environment; no message shows a password."""

from __future__ import annotations

import base64
from pathlib import Path

import pytest
from django.core.exceptions import ImproperlyConfigured

from mediapipe.fetching.http.proxy import Proxy
from mediapipe.settings import network
from tests.support import private_ca
from tests.support.commands import manage
from tests.support.configuration import CANARY, env


def test_there_is_no_proxy_and_no_ca_certificate_by_default() -> None:
    assert network.proxy(env(), "MEDIA_PROXY") is None
    assert network.ca_certificates(env(), "MEDIA_CA_FILE") == ""


@pytest.mark.parametrize("end", ["", "/"])
def test_the_host_and_port_of_a_proxy_are_read(end: str) -> None:
    found = network.proxy(env(MEDIA_PROXY=f"http://proxy.example:3128{end}"), "MEDIA_PROXY")
    assert found == Proxy("proxy.example", 3128)


def test_the_password_of_a_proxy_is_decoded_and_not_shown() -> None:
    found = network.proxy(env(MEDIA_PROXY=f"http://ann:{CANARY}%40@[::1]:8080"), "MEDIA_PROXY")
    login = base64.b64encode(f"ann:{CANARY}@".encode()).decode()
    assert found == Proxy("::1", 8080, f"Basic {login}")
    assert repr(found) == "Proxy(host='::1', port=8080)"
    assert found.name == "[::1]:8080"


@pytest.mark.parametrize(
    "url",
    [
        f"https://ann:{CANARY}@proxy.example:3128",
        f"socks5://ann:{CANARY}@proxy.example:1080",
        f"http://ann:{CANARY}@proxy.example",
        f"http://ann:{CANARY}@:3128",
        f"http://ann:{CANARY}@proxy.example:99999",
        f"http://proxy.example:3128/{CANARY}",
        f"http://ann:{CANARY}/x@proxy.example:3128",
        f"proxy.example:3128#{CANARY}",
        f"http://[{CANARY}:3128",
        f"http://ann@{CANARY} x:3128",
    ],
)
def test_an_invalid_proxy_url_is_refused_without_showing_its_password(url: str) -> None:
    with pytest.raises(ImproperlyConfigured, match="MEDIA_PROXY is not the URL") as caught:
        network.proxy(env(MEDIA_PROXY=url), "MEDIA_PROXY")
    assert CANARY not in str(caught.value)


def test_certificates_are_read_from_the_ca_file() -> None:
    values = env(MEDIA_CA_FILE=str(private_ca.ca_file()))
    assert "BEGIN CERTIFICATE" in network.ca_certificates(values, "MEDIA_CA_FILE")


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (None, "No such file or directory"),
        ("", "no valid certificate"),
        ("a text", "no valid certificate"),
        ("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", "no valid certificate"),
        ("-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n", "no valid certificate"),
    ],
)
def test_a_missing_ca_file_or_one_without_a_valid_certificate_is_refused(
    tmp_path: Path, content: str | None, reason: str
) -> None:
    path = tmp_path / "ca.pem"
    if content is not None:
        path.write_text(content)
    with pytest.raises(ImproperlyConfigured, match=f"MEDIA_CA_FILE names {path}: .*{reason}"):
        network.ca_certificates(env(MEDIA_CA_FILE=str(path)), "MEDIA_CA_FILE")


def test_a_folder_in_place_of_the_ca_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ImproperlyConfigured, match="Is a directory"):
        network.ca_certificates(env(MEDIA_CA_FILE=str(tmp_path)), "MEDIA_CA_FILE")


def test_an_invalid_proxy_stops_the_start_with_an_error_message(tmp_path: Path) -> None:
    ended = manage("check", data_dir=tmp_path, MEDIA_PROXY=f"https://ann:{CANARY}@proxy.example")
    assert ended.returncode != 0
    assert "MEDIA_PROXY is not the URL of an HTTP proxy" in ended.stderr
    assert CANARY not in ended.stderr


def test_check_and_doctor_name_the_ignored_proxy_and_ca_variables(tmp_path: Path) -> None:
    ignored = {"HTTPS_PROXY": f"http://ann:{CANARY}@127.0.0.1:1", "REQUESTS_CA_BUNDLE": "/ca.pem"}
    checked = manage("check", data_dir=tmp_path, **ignored)
    examined = manage("doctor", "--only=settings", data_dir=tmp_path, **ignored)
    for output in (checked.stderr, examined.stdout):
        assert "hand-offs and notifications: HTTPS_PROXY." in output
        assert "hand-offs and notifications: REQUESTS_CA_BUNDLE." in output
        assert "MEDIA_PROXY" in output
        assert "MEDIA_CA_FILE" in output
        assert CANARY not in output
