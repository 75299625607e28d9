"""Requests to the simulator as a client sends them, and the exact bytes of its responses."""

import base64
import socket
from contextlib import closing
from urllib.parse import urlsplit

import requests

from mediapipe.simulator.script import ACCOUNT_SID, AUTH_TOKEN, MediaScript

OWN = (ACCOUNT_SID, AUTH_TOKEN)


def get(script: MediaScript, timeout_s: float = 60.0) -> requests.Response:
    return requests.get(script.url, auth=OWN, allow_redirects=False, timeout=timeout_s)


def connect(script: MediaScript) -> socket.socket:
    """Send an authorised GET and return the socket, from which the response can be read."""
    address = urlsplit(script.url)
    credentials = base64.b64encode(":".join(OWN).encode()).decode()
    connection = socket.create_connection((address.hostname or "", address.port or 0), timeout=60)
    connection.sendall(
        f"GET {address.path} HTTP/1.1\r\nHost: {address.netloc}\r\n"
        f"Authorization: Basic {credentials}\r\n\r\n".encode()
    )
    return connection


def read_to_end(connection: socket.socket) -> bytes:
    return b"".join(iter(lambda: connection.recv(65536), b""))


def raw_response(script: MediaScript) -> tuple[bytes, bytes]:
    """Return the raw head and body of a response that ends when the connection closes."""
    with closing(connect(script)) as connection:
        head, _, body = read_to_end(connection).partition(b"\r\n\r\n")
    return head, body
