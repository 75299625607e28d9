"""The names under which the service is reached: PUBLIC_BASE_URL and DJANGO_ALLOWED_HOSTS."""

from __future__ import annotations

from pathlib import Path

import pytest
from django.core.exceptions import ImproperlyConfigured

from mediapipe.settings import web
from tests.support.commands import manage
from tests.support.configuration import CANARY, env


def test_every_configured_origin_is_allowed_and_trusted_and_links_use_the_first_url(
    tmp_path: Path,
) -> None:
    question = (
        "from django.conf import settings as s; print(s.PUBLIC_BASE_URL, s.OTHER_BASE_URLS,"
        " s.HTTPS_ORIGINS, s.ALLOWED_HOSTS, s.CSRF_TRUSTED_ORIGINS, sep='\\n')"
    )
    result = manage(
        "shell",
        "-v0",
        "-c",
        question,
        data_dir=tmp_path,
        PUBLIC_BASE_URL="https://new.example.com,https://old.example.com",
        DJANGO_ALLOWED_HOSTS="mediapipe.corp:8443,.corp,*",
    )
    new, old, corp = "https://new.example.com", "https://old.example.com", "mediapipe.corp"
    hosts = [corp, ".corp", "*", "new.example.com", "old.example.com"]
    assert result.stdout.splitlines() == [
        new,
        str([old]),
        str([f"https://{corp}:8443"]),
        str([*hosts, "localhost", "127.0.0.1", "[::1]"]),
        str([new, old, f"https://{corp}:8443"]),
    ]


@pytest.mark.parametrize(
    ("value", "urls"),
    [
        ("", []),
        ("https://h.example/", ["https://h.example"]),
        (
            "https://new.example, https://old.example:8443/,",
            ["https://new.example", "https://old.example:8443"],
        ),
        # Twilio signs the URL as it was entered there.
        ("https://user:pw@Media.Example", ["https://user:pw@Media.Example"]),
        ("http://127.0.0.1:8000,http://[::1]:8000", ["http://127.0.0.1:8000", "http://[::1]:8000"]),
    ],
)
def test_a_public_url_setting_is_a_list_of_origins(value: str, urls: list[str]) -> None:
    assert web.base_urls(env(NAME=value), "NAME") == urls


@pytest.mark.parametrize(
    ("url", "fault"),
    [
        ("h.example", "entry 2 is not an http or https URL"),
        ("ftp://h.example", "entry 2 is not an http or https URL"),
        ("https://", "entry 2 is not an http or https URL"),
        (f"https://u:{CANARY}@h.example:x", "entry 2 is not an http or https URL"),
        ("https://h.example:0", "entry 2 is not an http or https URL"),
        ("https://[::1", "entry 2 is not an http or https URL"),
        ("https://h.example/mediapipe", "entry 2 has a path"),
        ("https://h.example/?a=1", "entry 2 has a path"),
        (f"https://h.example?{CANARY}", "entry 2 has a path"),
        ("https://h.example/#rc=5", "entry 2 has a path"),
        # Django would trust the origins of all subdomains.
        ("https://*.h.example", "entry 2 has a host that is neither"),
        ("https://.h.example", "entry 2 has a host that is neither"),
        ("https://*", "entry 2 has a host that is neither"),
        ("https://a_b.example", "entry 2 has a host that is neither"),
        ("https://müller.example", "entry 2 has a host that is neither"),
    ],
)
def test_an_invalid_origin_is_refused_with_an_explanation_and_not_shown(
    url: str, fault: str
) -> None:
    with pytest.raises(ImproperlyConfigured, match=r"write for example NAME=https") as raised:
        web.base_urls(env(NAME=f"https://h.example,{url}"), "NAME")
    assert fault in str(raised.value)
    assert CANARY not in str(raised.value)


def test_a_host_is_a_name_or_an_address_and_may_have_a_port() -> None:
    value = "Mediapipe.corp, mediapipe.corp:8443,.example.com,10.1.2.3,[::1]:8443,localhost,*"
    assert web.hosts(env(NAME=value), "NAME") == value.replace(" ", "").lower().split(",")


@pytest.mark.parametrize(
    "entry",
    [
        "https://a.example",
        "a.example/x",
        "a_b.example",
        "*.example",
        "**",
        ".",
        "a b",
        "a:",
        "a:0",
        "a:65536",
        "ü.de",
    ],
)
def test_an_invalid_host_is_refused_with_the_number_of_its_entry(entry: str) -> None:
    with pytest.raises(ImproperlyConfigured, match=r"NAME is not a list of hosts: entry 2 is"):
        web.hosts(env(NAME=f"a.example,{entry}"), "NAME")


def test_the_hosts_of_all_entries_and_urls_and_this_machine_are_allowed() -> None:
    entries, urls = ["a.example:8443", ".corp"], ["https://user@B.example:8443", "http://[::2]:80"]
    ours = ["a.example", ".corp", "b.example", "[::2]"]
    assert web.allowed_hosts(entries, urls) == [*ours, "localhost", "127.0.0.1", "[::1]"]


def test_an_origin_is_formatted_as_in_browsers() -> None:
    assert web.origin("https://user:pw@H.example:8443") == "https://h.example:8443"
    assert web.origin("https://h.example:443") == "https://h.example"
    assert web.origin("http://h.example:443") == "http://h.example:443"
    assert web.origin("http://[::1]:80") == "http://[::1]"


def test_only_allowed_hosts_entries_that_name_one_host_become_origins() -> None:
    entries = ["a.example", "b.example:8443", "c.example:443", ".example.com", "*", "[::1]"]
    assert web.https_origins(entries) == [
        "https://a.example",
        "https://b.example:8443",
        "https://c.example",
        "https://[::1]",
    ]
