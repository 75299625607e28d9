"""H: several requests on one connection, and requests sent in pieces."""

from __future__ import annotations

from tests.support.bad_input.cases import BadFrame
from tests.support.bad_input.frame_parts import HOST, TYPE, Request, frame, pieces


def keep_alive(request: bytes) -> bytes:
    """Return the request without `Connection: close`."""
    return request.replace(b"Connection: close\r\n", b"")


def flow(name: str, *more: str, statuses: tuple[int, ...], then: bytes | None = None) -> BadFrame:
    """Return a good request followed on the same connection by `then`, or by a copy of it."""
    request = Request(name).post(*more)
    return frame(
        name,
        keep_alive(request) + (request if then is None else then),
        answered=statuses,
        recorded=True,
    )


SLOW = "H11 in pieces"
FLOWS = [
    flow("H10 the same twice at once", statuses=(200, 200)),
    flow("H10 a good one and garbage", statuses=(200, 400), then=b"GARBAGE\r\n\r\n"),
    flow("H10 a good one and a cut one", statuses=(200,), then=b"POST /web"),
    BadFrame(SLOW, pieces(Request(SLOW).post(), 300), (200,), recorded=True),
    flow("H11 asks before its body", "Expect: 100-continue", statuses=(100, 200), then=b""),
    frame(
        "H10 a request in the body that has no length",
        Request("H10").head(HOST, TYPE)
        + b"GET /healthz HTTP/1.1\r\nHost: evil.example\r\nConnection: close\r\n\r\n",
        answered=(403, 200),
    ),
    frame("H10 empty lines", b"\r\n" * 1000, answered=()),
    frame("H11 nothing", b"", answered=()),
    frame("H11 half a request line", b"POST /web", answered=()),
    frame("H11 half a header", Request("H11 half a header").post()[:60], answered=()),
    frame("H11 half a body", Request("H11 half a body").post()[:-100], answered=()),
    frame("H12 NULs", bytes(3000), answered=()),
    frame("H12 every byte", bytes(range(256)) * 20, answered=()),
]
