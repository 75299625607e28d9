"""Every page has a policy that lets only our own files run, and our pages comply with it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from django.test import Client
from django.urls import reverse

from mediapipe.failures import TooLarge
from mediapipe.providers.base import Evidence
from tests.support import make
from tests.support.admin import page

pytestmark = pytest.mark.django_db

ROOT = Path(__file__).resolve().parent.parent.parent
TEMPLATES = sorted((ROOT / "templates").rglob("*.*"))
# INLINE: handlers, styles, scripts and style sheets in the page itself. LOADED: files it loads.
INLINE = re.compile(
    r"""\son\w+\s*=|\sstyle\s*=|<script(?![^>]*\ssrc=)[^>]*>|<style|javascript:""", re.IGNORECASE
)
LOADED = re.compile(r"""<(?:script|link|img|audio|video|source|iframe)[^>]+(?:src|href)="([^"]+)""")


def test_a_page_may_load_and_run_only_our_own_files(admin_client: Client) -> None:
    policy = admin_client.get(reverse("admin:index"))["Content-Security-Policy"]
    assert policy.startswith("default-src 'self';")
    assert "unsafe" not in policy
    for part in ("object-src 'none'", "base-uri 'none'", "form-action 'self'"):
        assert part in policy


def test_a_page_without_a_login_sends_the_policy(client: Client) -> None:
    for url in (reverse("admin:login"), "/healthz", "/nowhere"):
        assert "default-src 'self'" in client.get(url)["Content-Security-Policy"]


@pytest.mark.parametrize("template", TEMPLATES, ids=lambda path: path.name)
def test_no_template_contains_inline_scripts_or_styles(template: Path) -> None:
    assert INLINE.findall(template.read_text()) == []


def test_no_page_contains_inline_code_or_loads_foreign_files(admin_client: Client) -> None:
    item = make.claimed()
    item.mark_failed(TooLarge(), Evidence())
    pages = (
        page(admin_client, "index"),
        page(admin_client, "failures"),
        page(admin_client, "reasons"),
        page(admin_client, "mediapipe_mediaitem_changelist"),
        page(admin_client, "mediapipe_webhookevent_changelist"),
        page(admin_client, "mediapipe_rejection_changelist"),
        page(admin_client, "mediapipe_mediaitem_change", item.pk),
        page(admin_client, "mediapipe_webhookevent_change", item.event_id),
        page(admin_client, "mediapipe_mediaitem_retry_all"),
        page(admin_client, "auth_user_add"),
    )
    for html in pages:
        assert INLINE.findall(html) == []
        assert [url for url in LOADED.findall(html) if not url.startswith("/")] == []
