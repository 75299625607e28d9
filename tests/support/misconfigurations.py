"""Misconfigurations, each set up for real: a setting, a server, a proxy, a number at Twilio."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from django.conf import settings as plain_settings
from django.db import connection
from django.db.migrations.recorder import MigrationRecorder

from tests.support import make
from tests.support.doctor_world import CONVERSATIONS, MESSAGING, REPEATED, Case, World
from tests.support.misconfigured_twilio import (
    another_number,
    application,
    by_get,
    conversations,
    number,
    other_port,
    overruled,
    pre_event_webhook,
    service_of_its_own,
    unreadable_application,
    whatsapp,
)
from tests.support.misconfigured_urls import (
    answering,
    behind_proxy,
    proxy_without_upstream,
    reencode_plus,
    reencode_spaces,
    self_signed,
    unreachable_url,
    unset_in_web,
)
from tests.support.misconfigured_workers import (
    no_beat,
    no_sweep,
    no_worker,
    quorum_queue,
    replica,
    unknown_worker,
    unreachable_broker,
    worker_on_another_broker,
    wrong_password,
)
from tests.support.servers import free_port

MEMORY = Path("/dev/shm")  # noqa: S108  (no file name there is predictable)


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
        "The media directory cannot be created",
        "storage",
        "storage_failed",
        setting(MEDIA_ROOT="/dev/null/media"),
    ),
    Case("The broker is not running", "service", "broker_away", unreachable_broker),
    Case("The broker's password is wrong", "service", "broker_refuses", wrong_password),
    Case("The broker is a read-only Redis replica", "service", "broker_unusable", replica),
    Case("The vhost's queues are quorum queues", "service", "broker_unusable", quorum_queue),
    Case("No worker is running", "service", "worker_missing", no_worker),
    Case("Beat is not running", "service", "beat_silent", no_beat),
    Case("No worker runs the dispatcher", "service", "sweep_silent", no_sweep),
    Case("A worker uses another broker", "service", "task_unanswered", worker_on_another_broker),
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
    Case("The proxy is running and web is not", "public URL", "web_down", proxy_without_upstream),
    Case(
        "Web runs without PUBLIC_BASE_URL",
        "public URL",
        "host_refused",
        unset_in_web,
    ),
    Case("A login page is in front of web", "public URL", "public_url_not_ours", answering(401)),
    Case(
        "The proxy changes the body", "public URL", "signature_refused", behind_proxy(reencode_plus)
    ),
    Case(
        "The proxy rewrites the query", "public URL", "query_changed", behind_proxy(reencode_spaces)
    ),
    Case(
        "The number sends its messages elsewhere",
        "numbers",
        "webhook_elsewhere",
        number("https://demo.twilio.com/welcome/sms/reply/"),
    ),
    Case(
        "Another number sends its messages elsewhere", "numbers", "some_elsewhere", another_number
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
    Case("The method is GET", "numbers", "webhook_by_get", by_get),
    Case(
        "The fragment for retries is missing",
        "numbers",
        "webhook_not_repeated",
        number("{web}" + MESSAGING, fallback="{web}" + MESSAGING),
    ),
    Case(
        "There is no fallback URL",
        "numbers",
        "fallback_missing",
        number("{web}" + MESSAGING + REPEATED),
    ),
    Case("The messaging service sends elsewhere", "numbers", "service_overrules", overruled),
    Case("The TwiML application sends elsewhere", "numbers", "application_overrules", application),
    Case(
        "The TwiML application of a number cannot be read",
        "numbers",
        "application_unreadable",
        unreadable_application,
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
        conversations(MESSAGING),
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
