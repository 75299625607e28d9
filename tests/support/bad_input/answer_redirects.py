"""R: redirects to forbidden targets."""

from __future__ import annotations

from mediapipe.simulator.faults import Hops, RedirectLoop, RedirectTo
from tests.support.bad_input.answer_cases import final, raw, retried
from tests.support.bad_input.cases import BadAnswer

LOCATIONS = [
    final(f"{name} {location!r:.60}", RedirectTo(location), "redirect_refused")
    for name, locations in {
        "R25": (
            "http://evil.example/",
            "http://mms.twiliocdn.com/x",
            "http://CANARY/",
            "https://CANARY/",
        ),
        "R26": (
            "http://169.254.169.254/latest/",
            "https://169.254.169.254/",
            "http://[::1]/",
            "http://127.1/",
            "http://2130706433/",
            "http://0x7f.1/",
            "http://localhost/",
            "https://[::ffff:169.254.169.254]/",
            "https://[64:ff9b::a9fe:a9fe]/",
            "http://metadata.google.internal/",
        ),
        "R27": (
            "file:///etc/passwd",
            "ftp://CANARY/",
            "data:image/jpeg;base64,/9j/",
            "javascript:alert(1)",
            "gopher://CANARY/",
            "mailto:a@b",
            "about:blank",
        ),
        "R28": (
            "http://[::1",
            "http://[",
            "http://]/",
            "http://a:b:c/",
            "http://CANARY:99999/",
            "http://:80/",
            "http://",
            "//",
            "https:CANARY",
        ),
        "R29": (None, "", " "),
        "R31": ("//evil.example/x", "//CANARY/x", "\\\\CANARY\\x", "/\\CANARY/x"),
        "R32": (
            "/x\ty",
            "/x y",
            "/x\x00y",
            "/\u00e9",
            "/x\\y",
        ),
        "R25 ambiguous": (
            "https://mms.twiliocdn.com@CANARY/",
            "https://CANARY\\@mms.twiliocdn.com/",
            "https://CANARY#@mms.twiliocdn.com/",
            "https://user@mms.twiliocdn.com/",
            "https://mms.twiliocdn.com.evil.example/",
            "https://evil.example/?x",
        ),
        "R46": ("/" + "a" * 9000, "https://mms.twiliocdn.com/" + "a" * 9000),
    }.items()
    for location in locations
]
REDIRECTS = [
    final(f"R22 {code} to nowhere", RedirectTo("http://evil.example/", code), "redirect_refused")
    for code in (301, 302, 303, 308)
] + [
    final("R23 a loop at the API", RedirectLoop(), "redirect_refused"),
    final("R23 a loop at the CDN", RedirectLoop(at="cdn"), "redirect_refused"),
    final("R24 6 hops", Hops(6), "redirect_refused"),
    final("R24 30 hops", Hops(30), "redirect_refused"),
    BadAnswer("R21 4 hops", (Hops(4),), ("stored",), "stored", (1, 4)),
    final(
        "R26 a CDN that leads inside",
        RedirectTo("http://127.0.0.1:1/", at="cdn"),
        "redirect_refused",
    ),
    final(
        "R26 a CDN that leads to a file",
        RedirectTo("file:///etc/passwd", at="cdn"),
        "redirect_refused",
    ),
    final(
        "R32 two Locations",
        raw("HTTP/1.1 307 x", "Location: /a", "Location: http://CANARY/"),
        "redirect_refused",
    ),
    final(
        "R32 a Location that is folded",
        raw("HTTP/1.1 307 x", "Location: http://CANARY", " /x", "Content-Length: 0"),
        "redirect_refused",
    ),
    # These stay at the API, which refuses because it gets no credentials the second time.
    retried("R31 a relative Location", RedirectTo("/nothing"), "cdn_refused"),
    retried("R28 a Location without a host", RedirectTo("http:///x"), "cdn_refused"),
    retried("R28 three slashes", RedirectTo("///CANARY/x"), "cdn_refused"),
    retried("R32 a Location with a line end", RedirectTo("/x\r\nX-Evil: 1"), "cdn_refused"),
    retried("R32 a Location with half a line end", RedirectTo("/\rx"), "unexpected_answer"),
    retried(
        "R30 a CDN that asks for credentials",
        raw("HTTP/1.1 401 x", 'WWW-Authenticate: Basic realm="x"', at="cdn"),
        "cdn_refused",
    ),
]
