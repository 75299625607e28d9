"""Misconfigurations between Twilio and web: the public URL, its certificate, its proxy."""

from __future__ import annotations

import ssl
import threading
from collections.abc import Callable
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from types import SimpleNamespace
from urllib.parse import urlsplit

from django.conf import settings as plain_settings

from tests.support.doctor_world import World
from tests.support.receivers import web_server
from tests.support.reverse_proxy import ForwardedRequest, reverse_proxy, with_host
from tests.support.servers import free_port

CERTIFICATES = Path(__file__).parent / "certificates"


def unreachable_url(world: World) -> None:
    world.settings.PUBLIC_BASE_URL = f"http://127.0.0.1:{free_port()}"


def self_signed(world: World) -> None:
    server = HTTPServer(("127.0.0.1", 0), BaseHTTPRequestHandler)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(CERTIFICATES / "media.example.pem")
    server.socket = context.wrap_socket(server.socket, server_side=True)
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    world.stack.callback(server.server_close)
    world.stack.callback(server.shutdown)
    world.settings.PUBLIC_BASE_URL = f"https://localhost:{server.server_address[1]}"


def answering(status: int) -> Callable[[World], None]:
    """Run a server at PUBLIC_BASE_URL that responds to every request with this status."""

    def arrange(world: World) -> None:
        server = world.stack.enter_context(web_server(status))
        parts = urlsplit(server.url)
        world.settings.PUBLIC_BASE_URL = f"{parts.scheme}://{parts.netloc}"

    return arrange


def behind_proxy(change: Callable[[ForwardedRequest], ForwardedRequest]) -> Callable[[World], None]:
    """Put web behind a proxy that changes requests with this function."""

    def arrange(world: World) -> None:
        proxy = world.stack.enter_context(reverse_proxy(world.web, change))
        world.settings.PUBLIC_BASE_URL = proxy

    return arrange


def proxy_without_upstream(world: World) -> None:
    closed = f"http://127.0.0.1:{free_port()}"
    world.settings.PUBLIC_BASE_URL = world.stack.enter_context(reverse_proxy(closed))


def unset_in_web(world: World) -> None:
    """Set PUBLIC_BASE_URL for the doctor only, to a host that web does not know."""
    behind_proxy(with_host("media.example.com"))(world)
    of_web = SimpleNamespace(
        PUBLIC_BASE_URL="",
        ALLOWED_HOSTS=["localhost"],
        WEBHOOK_MAX_BYTES=plain_settings.WEBHOOK_MAX_BYTES,
    )
    world.patch.setattr("mediapipe.webhooks.request.settings", of_web)


def reencode_plus(request: ForwardedRequest) -> ForwardedRequest:
    return replace(request, body=request.body.replace(b"+", b"%2B"))


def reencode_spaces(request: ForwardedRequest) -> ForwardedRequest:
    return replace(request, target=request.target.replace("%20", "+"))
