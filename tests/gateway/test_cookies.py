"""An app's cookies, as they are passed to Twilio."""

from __future__ import annotations

import pytest

from mediapipe.gateway.cookies import MAX_COOKIES, for_our_path

PATH = "/webhooks/twilio/messaging/"


@pytest.mark.parametrize(
    ("cookie", "expected"),
    [
        ("SESSION_ID=1", f"SESSION_ID=1; Path={PATH}"),
        ("a=1; Path=/twilio; Domain=bot.example", f"a=1; Path={PATH}"),
        ("a=b=c; HttpOnly;max-age=60", f"a=b=c; Path={PATH}; HttpOnly; max-age=60"),
        (
            "a=; domain=x; Expires=Thu, 01 Jan 2026 00:00:00 GMT",
            f"a=; Path={PATH}; Expires=Thu, 01 Jan 2026 00:00:00 GMT",
        ),
    ],
)
def test_a_cookie_is_rewritten_for_our_path(cookie: str, expected: str) -> None:
    assert for_our_path([cookie], PATH) == (expected,)


@pytest.mark.parametrize(
    "cookie", ["=1", "  =1", "novalue", "", "a=\x01", "a=1; x=\x7f", "a\tb=1", "a=" + "b" * 5000]
)
def test_a_cookie_that_twilio_would_refuse_is_left_out(cookie: str) -> None:
    assert for_our_path([cookie, "b=2"], PATH) == (f"b=2; Path={PATH}",)


def test_the_number_of_cookies_is_limited() -> None:
    assert len(for_our_path([f"c{n}=1" for n in range(100)], PATH)) == MAX_COOKIES
