"""Misconfigurations, each set up for real: a setting, a server, a proxy, a number at Twilio."""

from __future__ import annotations

import ssl
import threading
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from urllib.parse import urlsplit

import pytest
from django.conf import settings as plain_settings
from django.db import connection
from django.db.migrations.recorder import MigrationRecorder
from kombu import Connection, Consumer, Queue
from pytest_django import Settings

from mediapipe.management.demo.run import free_port
from mediapipe.management.doctor import workers
from mediapipe.models import Heartbeat
from mediapipe.models.heartbeats import BEAT, SWEEP
from mediapipe.settings.queues import MEDIA
from mediapipe.simulator import Simulator
from mediapipe.simulator.numbers import (
    ChannelSender,
    ConversationsWebhook,
    MessagingService,
    PhoneNumber,
)
from tests.support import make, servers
from tests.support.receivers import web_server
from tests.support.reverse_proxy import ForwardedRequest, reverse_proxy, with_host

HERE = "/webhooks/twilio/messaging/"
CONVERSATIONS = "/webhooks/twilio/conversations/"
REPEATED = "#rc=5&rp=ct,rt,5xx"
MEMORY = Path("/dev/shm")  # noqa: S108  (nothing of it is predictable)
CERTIFICATES = Path(__file__).parent / "certificates"


@dataclass
class World:
    """A correctly configured service, and the ways to misconfigure it."""

    settings: Settings
    patch: pytest.MonkeyPatch
    twilio: Simulator
    web: str
    folder: Path
    stack: ExitStack

    def broker(self, url: str) -> None:
        self.patch.setenv("CELERY_BROKER_URL", url)
        self.patch.setenv("CELERY_BROKER_WRITE_URL", url)

    def heard(self, *parts: str) -> None:
        """Record a heartbeat of these components."""
        for part in parts:
            Heartbeat.record(part)

    def number(self, url: str = "", *, fallback: str = "", application: str = "") -> PhoneNumber:
        """Add a number to the account."""
        number = PhoneNumber(
            sms_url=url,
            sms_fallback_url=fallback,
            sms_application_sid=application,
            account_sid=make.ACCOUNT,
        )
        self.twilio.state.numbers.append(number)
        return number

    def conversations(self, url: str | None = None, **options: Any) -> None:
        """Add a Conversations webhook to the account or one of its services."""
        usual: dict[str, Any] = {"filters": ["onMessageAdded"], "account_sid": make.ACCOUNT}
        hook = ConversationsWebhook(url, **usual | options)
        self.twilio.state.conversations.append(hook)

    @property
    def here(self) -> str:
        """The URL for messages, as it should be configured at Twilio."""
        return self.web + HERE + REPEATED


@dataclass(frozen=True)
class Case:
    """A misconfiguration, the check that must find it, and the name of the issue."""

    story: str
    part: str
    name: str
    arrange: Callable[[World], object] = field(repr=False)


def setting(**values: object) -> Callable[[World], None]:
    def arrange(world: World) -> None:
        for name, value in values.items():
            setattr(world.settings, name, value)

    return arrange


def accounts_file(world: World) -> None:
    path = world.folder / "accounts.json"
    path.write_text("[{")
    world.settings.TWILIO_ACCOUNTS_FILE = str(path)


def public_media(world: World) -> None:
    world.settings.MEDIA_ROOT = str(Path(plain_settings.STATIC_ROOT) / "media")


def readable_accounts_file(world: World) -> None:
    path = world.folder / "accounts.json"
    path.write_text("[]")
    path.chmod(0o644)
    world.settings.TWILIO_ACCOUNTS_FILE = str(path)


def readable_secret(world: World) -> None:
    path = world.folder / "twilio_auth_token"
    path.write_text(make.TOKEN)
    path.chmod(0o644)
    world.patch.setenv("TWILIO_AUTH_TOKEN_FILE", str(path))


def newer_tables(world: World) -> None:
    MigrationRecorder(connection).record_applied("mediapipe", "9999_of_the_next_version")


def unreachable_broker(world: World) -> None:
    world.broker(f"amqp://guest:guest@127.0.0.1:{free_port()}//")


def wrong_password(world: World) -> None:
    servers.need(5672, "RabbitMQ")
    world.broker("amqp://guest:wrong@127.0.0.1:5672//")


def replica(world: World) -> None:
    client = world.stack.enter_context(servers.own_redis())
    client.replicaof("127.0.0.1", 1)
    world.broker(servers.url_of(client))


def other_queues(world: World) -> None:
    """Queues as a vhost made them whose default type is quorum."""
    url = world.stack.enter_context(servers.rabbitmq())
    with Connection(url) as connection:
        queue = Queue(MEDIA, queue_arguments={"x-queue-type": "quorum"})
        queue(connection.channel()).declare()
    world.broker(url)


def no_worker(world: World) -> None:
    world.broker("memory://")
    world.heard(BEAT, SWEEP)


def no_beat(world: World) -> None:
    deaf_worker(world)
    Heartbeat.objects.filter(part=BEAT).delete()


def no_sweep(world: World) -> None:
    deaf_worker(world)
    Heartbeat.objects.filter(part=SWEEP).delete()


def deaf_worker(world: World) -> None:
    """A worker that reports to this database but consumes from another broker."""
    world.broker("memory://")
    world.patch.setattr(workers, "RESULT_TIMEOUT_S", 0.2)
    world.heard(BEAT, SWEEP, "worker celery@here")


def unknown_worker(world: World) -> None:
    """A worker on this broker that reports to another database."""
    url = world.stack.enter_context(servers.rabbitmq())
    world.broker(url)
    world.heard(BEAT, SWEEP)
    channel = world.stack.enter_context(Connection(url)).channel()
    callbacks = [lambda *_: None]
    world.stack.enter_context(Consumer(channel, queues=[Queue(MEDIA)], callbacks=callbacks))


def suspended(world: World) -> None:
    world.twilio.state.account_status[make.ACCOUNT] = "suspended"


def with_test_credentials(world: World) -> None:
    world.twilio.state.test_accounts.add(make.ACCOUNT)


def foreign_key(world: World) -> None:
    other = "AC" + "b2" * 16
    world.twilio.state.api_keys["SK" + "c3" * 16] = ("secret", other)
    world.settings.TWILIO_API_KEY = "SK" + "c3" * 16
    world.settings.TWILIO_API_SECRET = "secret"


def wrong_clock(world: World) -> None:
    world.twilio.state.clock_skew_s = 90.0


def unreachable_api(world: World) -> None:
    world.settings.TWILIO_API_HOSTS = [f"http://127.0.0.1:{free_port()}"]


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
    """Run a server at PUBLIC_BASE_URL that answers every request with this status."""

    def arrange(world: World) -> None:
        heard = world.stack.enter_context(web_server(status))
        parts = urlsplit(heard.url)
        world.settings.PUBLIC_BASE_URL = f"{parts.scheme}://{parts.netloc}"

    return arrange


def behind(change: Callable[[ForwardedRequest], ForwardedRequest]) -> Callable[[World], None]:
    """Put web behind a proxy that changes requests with this function."""

    def arrange(world: World) -> None:
        proxy = world.stack.enter_context(reverse_proxy(world.web, change))
        world.settings.PUBLIC_BASE_URL = proxy

    return arrange


def nothing_behind(world: World) -> None:
    closed = f"http://127.0.0.1:{free_port()}"
    world.settings.PUBLIC_BASE_URL = world.stack.enter_context(reverse_proxy(closed))


def unset_in_web(world: World) -> None:
    """Set PUBLIC_BASE_URL for the doctor only, to a host that web does not know."""
    behind(with_host("media.example.com"))(world)
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


def number(url: str, fallback: str = "") -> Callable[[World], None]:
    """Add a number with these URLs; `{web}` is the origin of PUBLIC_BASE_URL."""

    def arrange(world: World) -> None:
        world.number(url.format(web=world.web), fallback=fallback.format(web=world.web))

    return arrange


def other_port(world: World) -> None:
    world.number(f"http://{urlsplit(world.web).hostname}:1{HERE}{REPEATED}")


def overruled(world: World) -> None:
    mine = world.number(world.here, fallback=world.web + HERE)
    service = MessagingService("https://else.example/", numbers=[mine], account_sid=make.ACCOUNT)
    world.twilio.state.services.append(service)


def application(world: World) -> None:
    world.number(world.here, application="AP" + "d4" * 16)


def whatsapp(world: World) -> None:
    sender = ChannelSender(callback_url=f"{world.web}/whatsapp/", account_sid=make.ACCOUNT)
    world.twilio.state.senders.append(sender)


def conversations(path: str, **options: Any) -> Callable[[World], None]:
    """Point the Conversations webhook to this path of the service."""

    def arrange(world: World) -> None:
        world.conversations(world.web + path, **options)

    return arrange


def pre_event_webhook(world: World) -> None:
    world.conversations(pre_webhook_url=world.web + CONVERSATIONS)


def service_of_its_own(world: World) -> None:
    world.conversations(world.web + CONVERSATIONS)
    world.conversations("https://else.example/", service_sid="IS" + "e5" * 16)


CASES = [
    Case("No token is set", "settings", "mediapipe.E001", setting(TWILIO_AUTH_TOKEN="")),
    Case("The accounts file is truncated", "settings", "mediapipe.E005", accounts_file),
    Case(
        "DJANGO_DEBUG is left on behind https",
        "settings",
        "security.W018",
        setting(DEBUG=True, PUBLIC_BASE_URL="https://media.example.com"),
    ),
    Case("TIME_ZONE is Etc/GMT-1", "settings", "time_zone_fixed", setting(TIME_ZONE="Etc/GMT-1")),
    Case("MEDIA_ROOT is inside the static files", "settings", "media_public", public_media),
    Case(
        "The accounts file has the mode 0644",
        "settings",
        "readable_by_others",
        readable_accounts_file,
    ),
    Case(
        "The file of a secret has the mode 0644", "settings", "readable_by_others", readable_secret
    ),
    Case("DATABASE_URL is not set", "database", "database_is_sqlite", lambda _: None),
    Case(
        "The tables are those of the next version", "database", "migrations_unknown", newer_tables
    ),
    Case("MEDIA_MAX_BYTES is a petabyte", "disk", "disk_full", setting(MEDIA_MAX_BYTES=10**15)),
    Case(
        "SPOOL_DIR cannot be created",
        "disk",
        "spool_unwritable",
        setting(SPOOL_DIR=Path("/dev/null/spool")),
    ),
    Case("SPOOL_DIR is in memory", "disk", "spool_volatile", setting(SPOOL_DIR=MEMORY)),
    Case(
        "The media folder cannot be created",
        "storage",
        "storage_failed",
        setting(MEDIA_ROOT="/dev/null/media"),
    ),
    Case("The broker is not running", "service", "broker_away", unreachable_broker),
    Case("The broker's password is wrong", "service", "broker_refuses", wrong_password),
    Case("The broker is a read-only Redis replica", "service", "broker_unusable", replica),
    Case("The vhost's queues are quorum queues", "service", "broker_unusable", other_queues),
    Case("No worker is running", "service", "worker_missing", no_worker),
    Case("Beat is not running", "service", "beat_silent", no_beat),
    Case("No worker runs the sweep", "service", "sweep_silent", no_sweep),
    Case("A worker uses another broker", "service", "task_unanswered", deaf_worker),
    Case("A worker uses another database", "service", "worker_elsewhere", unknown_worker),
    Case("The token is mistyped", "credentials", "token_refused", setting(TWILIO_AUTH_TOKEN="x")),
    Case(
        "The token from before the rotation is still listed",
        "credentials",
        "token_old",
        setting(TWILIO_AUTH_TOKEN=f"{make.TOKEN},old"),
    ),
    Case(
        "The test credentials were copied", "credentials", "test_credentials", with_test_credentials
    ),
    Case("The account is suspended", "credentials", "account_not_active", suspended),
    Case("The API key is of another account", "credentials", "api_key_refused", foreign_key),
    Case(
        "Nothing listens at TWILIO_API_HOSTS", "credentials", "twilio_unreachable", unreachable_api
    ),
    Case("The clock is wrong by 90 seconds", "credentials", "clock_wrong", wrong_clock),
    Case(
        "PUBLIC_BASE_URL is not set",
        "public URL",
        "public_url_missing",
        setting(PUBLIC_BASE_URL=""),
    ),
    Case(
        "PUBLIC_BASE_URL has no TLS",
        "public URL",
        "public_url_plain",
        setting(PUBLIC_BASE_URL="http://192.0.2.1"),
    ),
    Case("PUBLIC_BASE_URL is this machine", "public URL", "public_url_private", lambda _: None),
    Case(
        "Nothing listens at PUBLIC_BASE_URL",
        "public URL",
        "public_url_unreachable",
        unreachable_url,
    ),
    Case("The certificate is self-signed", "public URL", "certificate_untrusted", self_signed),
    Case("The host redirects to another one", "public URL", "public_url_redirects", answering(301)),
    Case("The proxy is running and web is not", "public URL", "web_down", nothing_behind),
    Case(
        "Web runs without PUBLIC_BASE_URL",
        "public URL",
        "host_refused",
        unset_in_web,
    ),
    Case("A login page is in front of web", "public URL", "public_url_not_ours", answering(401)),
    Case("The proxy changes the body", "public URL", "signature_refused", behind(reencode_plus)),
    Case("The proxy rewrites the query", "public URL", "query_changed", behind(reencode_spaces)),
    Case(
        "The number sends its messages elsewhere",
        "numbers",
        "webhook_elsewhere",
        number("https://demo.twilio.com/welcome/sms/reply/"),
    ),
    Case("The number has another port", "numbers", "webhook_origin_differs", other_port),
    Case(
        "The trailing slash is missing",
        "numbers",
        "webhook_path_wrong",
        number("{web}/webhooks/twilio/messaging"),
    ),
    Case(
        "Messages go to the URL for recordings",
        "numbers",
        "webhook_wrong_kind",
        number("{web}/webhooks/twilio/recording/"),
    ),
    Case(
        "The fragment for retries is missing",
        "numbers",
        "webhook_not_repeated",
        number("{web}" + HERE, fallback="{web}" + HERE),
    ),
    Case(
        "There is no fallback URL", "numbers", "fallback_missing", number("{web}" + HERE + REPEATED)
    ),
    Case("The messaging service sends elsewhere", "numbers", "service_overrules", overruled),
    Case(
        "A TwiML application handles the messages", "numbers", "application_overrules", application
    ),
    Case(
        "The credentials may not list numbers",
        "numbers",
        "numbers_unreadable",
        with_test_credentials,
    ),
    Case("A WhatsApp sender has another path", "numbers", "webhook_path_wrong", whatsapp),
    Case(
        "The URL of Conversations (classic) lacks the trailing slash",
        "conversations",
        "webhook_path_wrong",
        conversations("/webhooks/twilio/conversations"),
    ),
    Case(
        "The webhook of Conversations (classic) has the URL for messages",
        "conversations",
        "webhook_wrong_kind",
        conversations(HERE),
    ),
    Case(
        "onMessageAdded is not one of the events",
        "conversations",
        "conversations_event_missing",
        conversations(CONVERSATIONS, filters=["onMessageUpdated"]),
    ),
    Case(
        "The pre-event webhook points here",
        "conversations",
        "conversations_ask_before",
        pre_event_webhook,
    ),
    Case(
        "A service of Conversations (classic) has its own webhook",
        "conversations",
        "conversations_overruled",
        service_of_its_own,
    ),
    Case(
        "The credentials may not read Conversations (classic)",
        "conversations",
        "conversations_unreadable",
        with_test_credentials,
    ),
]
