"""Users of each role, and the admin's pages as they see them."""

from __future__ import annotations

import re
from typing import Any

from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from mediapipe.models import MediaItem
from mediapipe.operations import roles

SCRIPT = "<script>alert(1)</script>"
ESCAPED = "&lt;script&gt;alert(1)&lt;/script&gt;"
# A browser shows the text after U+202E as "gpj.exe".
RIGHT_TO_LEFT = "\u202eexe.jpg"


def client_with_role(role: str = "") -> Client:
    """Return a client that is logged in as a new user with this role, or with none."""
    user = User.objects.create_user(f"a {role or 'nobody'}")
    if role:
        roles.assign(user, role)
    client = Client()
    client.force_login(user)
    return client


def logged_in(client: Client, role: str) -> User:
    """Log this client in as a new user with this role; return the user."""
    user = User.objects.create_user(role)
    roles.assign(user, role)
    client.force_login(user)
    return user


def page(client: Client, name: str, *args: Any, **query: str) -> str:
    """Return the HTML of an admin page, which must respond with 200."""
    answer = client.get(reverse(f"admin:{name}", args=args), query)
    assert answer.status_code == 200
    return answer.content.decode()


def media_page(client: Client, item: MediaItem) -> str:
    return page(client, "mediapipe_mediaitem_change", item.pk)


def listed(client: Client, model: str = "mediaitem", **query: str) -> set[int]:
    """Return the ids of the rows that a list shows."""
    html = page(client, f"mediapipe_{model}_changelist", **query)
    return {int(pk) for pk in re.findall(rf"/admin/mediapipe/{model}/(\d+)/change/", html)}


def text_of(answer: Any) -> str:
    """Return the text of a page with its white space collapsed, as a browser does."""
    return " ".join(answer.content.decode().split())


def queries(client: Client, name: str, *args: Any) -> int:
    """Return how many queries a page takes."""
    with CaptureQueriesContext(connection) as captured:
        page(client, name, *args)
    return len(captured)
