"""The cases of R: a fault, and the resulting state of the item."""

from __future__ import annotations

from mediapipe.simulator.faults import Fault, RawAnswer
from mediapipe.simulator.log import Place
from tests.support.bad_input.cases import BadAnswer

NO_SLOW_PHASE = {"RETRY_SLOW_SCHEDULE_S": ()}
# The simulator closes the connection after a raw response. If the client can see where the response
# ends, it must be told; otherwise the next attempt may reuse the connection just before it closes.
CLOSE = "Connection: close"
GIVE_UP_AT_ONCE = {"RETRY_FAST_WINDOW_S": 0.0, **NO_SLOW_PHASE}


def retried(name: str, fault: Fault, outcome: str) -> BadAnswer:
    """Return a bad response after which the next attempt stores the item."""
    return BadAnswer(name, (fault,), (outcome, "stored"), "stored")


def final(name: str, fault: Fault, outcome: str) -> BadAnswer:
    return BadAnswer(name, (fault,), (outcome,), "failed")


def raw(*lines: str, body: bytes = b"", at: Place = "api") -> RawAnswer:
    """Return a response with these lines, the status line first, and this body."""
    return RawAnswer("\r\n".join([*lines, "", ""]) + body.decode("latin-1"), at=at)


def ok(*headers: str, body: bytes = b"\xff\xd8\xff\xe0", at: Place = "api") -> RawAnswer:
    return raw("HTTP/1.1 200 OK", *headers, body=body, at=at)
