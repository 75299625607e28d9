"""A Twilio that does nothing but respond: two origins of media, in a process of its own.

The simulator keeps a log and can misbehave, and so takes five times the CPU time, which the
downloads on the same machine would lack. The media SID encodes the size of the body and the API's
response time, so nothing has to be prepared.
"""

from __future__ import annotations

import argparse
import asyncio
from functools import cache

from mediapipe.simulator.script import ACCOUNT_SID, AUTH_TOKEN, new_sid

# The API redirects to the CDN, which is another origin, as Twilio's is.
API_HOST, CDN_HOST = "127.0.0.1", "127.0.0.2"
NOT_FOUND = b'{"code": 20404, "message": "The requested resource was not found", "status": 404}'
# A large body is written in pieces of this many bytes, while the transport accepts them.
PIECE = 256 * 1024
# The beginning of a JPEG: a response that is no picture would not be stored.
PICTURE = b"\xff\xd8\xff\xe0\x00\x10JFIF\x00\x01\x01\x00\x00\x01\x00\x01\x00\x00"
CREDENTIALS = (ACCOUNT_SID, AUTH_TOKEN)


def media_url(port: int, size: int, answer_ms: int, message_sid: str = "") -> str:
    """Return the API URL of a new media item, in a new message unless one is given."""
    message = f"/2010-04-01/Accounts/{ACCOUNT_SID}/Messages/{message_sid or new_sid('MM')}"
    return f"http://{API_HOST}:{port}{message}/Media/{media_sid(size, answer_ms)}"


def media_sid(size: int, answer_ms: int) -> str:
    """Return a new SID, which encodes the size in bytes and the response time.

    Size 0 stands for media that is not available yet: a 404.
    """
    return f"ME{size:08x}{answer_ms:04x}{new_sid('ME')[-20:]}"


def decode_sid(sid: str) -> tuple[int, float]:
    """Return the size in bytes and the response time in seconds that a media SID encodes."""
    return int(sid[2:10], 16), int(sid[10:14], 16) / 1000


@cache
def picture(size: int) -> bytes:
    """Return a body of this size that looks like a picture."""
    return PICTURE.ljust(size, b"\0")


class Origin(asyncio.Protocol):
    """A connection to one of the two origins; requests are not pipelined."""

    def __init__(self, cdn: str = "") -> None:
        """Redirect to this CDN; without one, be the CDN."""
        self.cdn = cdn
        self.received = b""
        self.body = memoryview(b"")
        self.is_full = False
        self.transport: asyncio.Transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport to respond on."""
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        """Respond once the whole request has arrived."""
        self.received += data
        if self.received.endswith(b"\r\n\r\n"):
            path = self.received.split(b" ", 2)[1].decode()
            self.received = b""
            self.answer(path)

    def answer(self, path: str) -> None:
        """Send a 404, redirect after the encoded time, or send the body immediately."""
        size, answer_s = decode_sid(path.rpartition("/")[2])
        if not size:
            self.send("404 Not Found", len(NOT_FOUND), "Content-Type: application/json")
            self.transport.write(NOT_FOUND)
            return
        if not self.cdn:
            self.send("200 OK", size, "Content-Type: image/jpeg")
            self.body = memoryview(picture(size))
            self.send_body()
            return
        location = f"Location: {self.cdn}{path}"
        redirect = "307 Temporary Redirect"
        if answer_s:
            loop = asyncio.get_running_loop()
            loop.call_later(answer_s, self.send, redirect, 0, location)
        else:
            self.send(redirect, 0, location)

    def send_body(self) -> None:
        """Send the rest of the body, until the transport's buffer is full."""
        while self.body and not self.is_full:
            piece, self.body = self.body[:PIECE], self.body[PIECE:]
            self.transport.write(piece)

    def pause_writing(self) -> None:
        """Pause, so that bodies do not pile up in this process's memory."""
        self.is_full = True

    def resume_writing(self) -> None:
        """Continue with the body."""
        self.is_full = False
        self.send_body()

    def send(self, status: str, length: int, *headers: str) -> None:
        """Send the head of a response."""
        lines = [f"HTTP/1.1 {status}", f"Content-Length: {length}", *headers]
        self.transport.write(("\r\n".join(lines) + "\r\n\r\n").encode())


async def serve(api_port: int, cdn_port: int) -> None:
    """Serve both origins until the process is terminated."""
    loop = asyncio.get_running_loop()
    cdn = await loop.create_server(Origin, CDN_HOST, cdn_port, backlog=512)
    at = f"http://{CDN_HOST}:{cdn_port}"
    api = await loop.create_server(lambda: Origin(at), API_HOST, api_port, backlog=512)
    async with cdn, api:
        await asyncio.gather(cdn.serve_forever(), api.serve_forever())


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("api_port", type=int)
    parser.add_argument("cdn_port", type=int)
    asyncio.run(serve(**vars(parser.parse_args())))
