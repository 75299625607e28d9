"""How values of the environment become settings, and what is said when they cannot."""

import hashlib
import os
import re
import secrets
import tempfile
from collections.abc import Callable
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from django.core.exceptions import ImproperlyConfigured
from environ import Env

T = TypeVar("T")

UNITS_S = {"": 1, "s": 1, "m": 60, "h": 3600, "d": 86400}
# Linux allows 108 bytes in the path of a unix socket, macOS 104.
LONGEST_SOCKET_PATH = 100
# A hundred years: what is older than that began before any calendar of ours.
LONGEST_DAYS = 36_500
LOG_LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL")
SQLITE = "django.db.backends.sqlite3"
BROKERS = ("amqp", "amqps", "pyamqp", "redis", "rediss", "redis+socket")


def text(env: Env, name: str, default: str = "") -> str:
    """Return a value as it was written; an empty one is the default, as Compose passes them."""
    # Env.str takes a value that begins with $ for the name of another variable.
    return str(env.ENVIRON.get(name, "")).strip() or default


def listed(env: Env, name: str) -> list[str]:
    """Return the items of a comma list, without the blanks around them."""
    return [item.strip() for item in text(env, name).split(",") if item.strip()]


def boolean(env: Env, name: str, *, default: bool) -> bool:
    """Return a yes or no; anything else than the usual words is an error, not a no."""
    value = text(env, name, str(default)).lower()
    if value in {"1", "true", "yes", "on"}:
        return True
    if value in {"0", "false", "no", "off"}:
        return False
    raise ImproperlyConfigured(f"{name} must be true or false, for example {name}=true.")


def whole_number(env: Env, name: str, *, default: int, least: int = 1) -> int:
    """Return a whole number that is not below `least`."""
    value = text(env, name, str(default))
    if not re.fullmatch("[0-9]{1,15}", value) or int(value) < least:
        raise ImproperlyConfigured(
            f"{name} must be a whole number from {least} on, for example {name}={default}."
        )
    return int(value)


def days(env: Env, name: str, *, default: int) -> int:
    """Return an age in whole days; 0 is none."""
    value = whole_number(env, name, default=default, least=0)
    if value > LONGEST_DAYS:
        raise ImproperlyConfigured(
            f"{name} must not be over {LONGEST_DAYS} days, for example {name}=90."
        )
    return value


def factor(env: Env, name: str, *, default: str) -> float:
    """Return a number from 1 to 10, by which something grows."""
    value = text(env, name, default)
    if not re.fullmatch(r"[0-9]{1,2}(\.[0-9]{1,6})?", value) or not 1 <= float(value) <= 10:
        raise ImproperlyConfigured(
            f"{name} must be a number from 1 to 10, for example {name}={default}."
        )
    return float(value)


def duration_s(text: str) -> float:
    """Return the seconds of "90", "1.5s", "10m", "3h" or "2d"; raise ValueError for others."""
    match = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*([smhd]?)\s*", text)
    if not match:
        raise ValueError(text)
    return float(match[1]) * UNITS_S[match[2]]


def seconds(env: Env, name: str, *, default: str) -> float:
    """Return one duration in seconds."""
    (value,) = _durations(name, [text(env, name, default)])
    return value


def seconds_list(env: Env, name: str, *, default: str) -> tuple[float, ...]:
    """Return a comma list of durations in seconds; an empty value is an empty list."""
    if name not in env.ENVIRON:
        return tuple(_durations(name, default.split(",")))
    return tuple(_durations(name, listed(env, name)))


def _durations(name: str, parts: list[str]) -> list[float]:
    try:
        return [duration_s(part) for part in parts]
    except ValueError as error:
        raise ImproperlyConfigured(
            f"{name} has {error.args[0]!r}, which is no duration; write 90, 1.5s, 10m, 3h or 2d."
        ) from None


def parsed(env: Env, name: str, parse: Callable[[str], T], *, example: str) -> list[T]:
    """Return each item of a comma list, read by `parse`, which raises ValueError."""
    try:
        return [parse(item) for item in listed(env, name)]
    except ValueError as error:
        raise ImproperlyConfigured(f"{name}: {error}. For example {name}={example}") from None


def folder(env: Env, name: str, default: Path) -> Path:
    """Return the path of a folder, which is made if it is not there."""
    path = Path(text(env, name, str(default))).resolve()
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ImproperlyConfigured(
            f"{name} names {path}, which cannot be made: {error.strerror}; "
            f"write for example {name}=/var/lib/mediapipe."
        ) from None
    return path


def kept_secret(path: Path) -> str:
    """Return the secret in this file; make one, readable by us alone, on the first run."""
    if not path.exists():
        with tempfile.NamedTemporaryFile("w", dir=path.parent) as file:
            file.write(secrets.token_urlsafe(50))
            file.flush()
            # Of several processes that start at once one makes it, and none sees it half written.
            with suppress(FileExistsError):
                os.link(file.name, path)
    return path.read_text().strip()


def base_url(env: Env, name: str, default: str = "") -> str:
    """Return an http or https URL without its last slash; by default there may be none."""
    url = text(env, name, default).rstrip("/")
    if url and not _is_http(url):
        # The value is not shown, because it may have a password in it.
        raise ImproperlyConfigured(
            f"{name} is not an http or https URL; write for example "
            f"{name}={default or 'https://media.example.com'}."
        )
    return url


def _is_http(url: str) -> bool:
    try:
        parts = urlsplit(url)
        return parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
    except ValueError:
        return False


def time_zone(env: Env, name: str) -> str:
    """Return the name of a time zone, by default UTC."""
    zone = text(env, name, "UTC")
    try:
        return ZoneInfo(zone).key
    except (KeyError, ValueError, OSError):
        raise ImproperlyConfigured(
            f"{name} is no time zone; write for example {name}=Europe/Berlin."
        ) from None


def origin(url: str) -> str:
    """Return scheme://host[:port] of a URL."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}"


def allowed_hosts(listed: list[str], public_base_url: str) -> list[str]:
    """Return the hosts to answer for: those listed, the public one, and this machine itself."""
    public = urlsplit(public_base_url).hostname
    return [*listed, *([public] if public else []), "localhost", "127.0.0.1", "[::1]"]


def socket_path(data_dir: Path) -> Path:
    """Return where the embedded broker listens; a deep data folder gets a short stand-in."""
    path = data_dir / "broker.sock"
    if len(os.fsencode(path)) <= LONGEST_SOCKET_PATH:
        return path
    name = hashlib.sha256(os.fsencode(data_dir)).hexdigest()[:16]
    return Path(tempfile.gettempdir()) / f"mediapipe-{name}.sock"


def broker_url(env: Env, name: str, default: str) -> str:
    """Return the URL of a broker that is supported, and never show one that is not."""
    url = text(env, name, default)
    try:
        parts = urlsplit(url)
        readable = parts.scheme in BROKERS and parts.port != 0
    except ValueError:
        readable = False
    if not readable:
        raise ImproperlyConfigured(
            f"{name} is not the URL of a broker; write for example "
            f"{name}=amqp://user:password@host:5672/vhost or {name}=redis://host:6379/0."
        )
    return url


def queue_type(env: Env, name: str, broker_url: str) -> str:
    """Return which kind of queues RabbitMQ is to keep; other brokers have one kind only."""
    kind = text(env, name, "classic")
    if kind not in {"classic", "quorum"}:
        raise ImproperlyConfigured(f"{name} must be classic or quorum, for example {name}=quorum.")
    if kind == "quorum" and not broker_url.startswith(("amqp", "pyamqp")):
        raise ImproperlyConfigured(f"{name}=quorum needs RabbitMQ, an amqp:// CELERY_BROKER_URL.")
    return kind


def transport_options(broker_url: str) -> dict[str, Any]:
    """Return what the broker's transport needs so that no message is lost in silence."""
    if broker_url.startswith(("amqp", "pyamqp")):
        # A broker under a memory alarm answers nothing: the timeouts turn that into an error.
        return {"confirm_publish": True, "read_timeout": 10, "write_timeout": 10}
    if broker_url.startswith(("redis", "rediss", "valkey")):
        # Longer than the longest countdown and download together, else each runs twice.
        return {"visibility_timeout": 3600, "unacked_restore_interval": 10}
    return {}


def database(env: Env, name: str, sqlite_path: Path) -> dict[str, Any]:
    """Return Django's settings for a database URL, by default SQLite at this path."""
    url = text(env, name)
    # Django needs no URL for a path, in which some characters would have to be quoted.
    options: dict[str, Any] = {"ENGINE": SQLITE, "NAME": str(sqlite_path)}
    if url:
        options = _database_url(name, url)
    if options["ENGINE"] == SQLITE:
        options["OPTIONS"] = {
            # Taking the write lock at BEGIN lets writers queue instead of failing as deadlocks.
            "transaction_mode": "IMMEDIATE",
            "timeout": 30,
            "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;",
        }
        return options
    options.setdefault("CONN_MAX_AGE", 60)
    options["CONN_HEALTH_CHECKS"] = True
    # A server that vanished without a word is noticed in seconds, not in TCP's quarter hour.
    bounds = {"connect_timeout": 3, "keepalives_idle": 5, "tcp_user_timeout": 5000}
    options["OPTIONS"] = bounds | options.get("OPTIONS", {})
    return options


def _database_url(name: str, url: str) -> dict[str, Any]:
    if url.startswith(("postgres://", "postgresql://", "sqlite:///")):
        # What cannot be read of a URL may be a piece of its password, so it is not shown.
        with suppress(ValueError):
            return dict(Env.db_url_config(url))
    raise ImproperlyConfigured(
        f"{name} is not the URL of a database; write for example {name}=postgres://"
        "user:password@host:5432/name, with %40 for an @ and %2F for a / in the password."
    )


def media_storage(storage_url: str, media_root: str) -> dict[str, Any]:
    """Return the storage for media: a folder, or s3://bucket/prefix."""
    if not storage_url:
        return {
            "BACKEND": "django.core.files.storage.FileSystemStorage",
            # A repeated fetch replaces the file by the same bytes in one rename.
            "OPTIONS": {"location": media_root, "base_url": None, "allow_overwrite": True},
        }
    parts = urlsplit(storage_url)
    if parts.scheme != "s3" or not parts.netloc:
        raise ImproperlyConfigured(
            "STORAGE_URL is not the URL of a bucket; write for example "
            "STORAGE_URL=s3://bucket/prefix."
        )
    return {
        "BACKEND": "storages.backends.s3.S3Storage",
        "OPTIONS": {
            "bucket_name": parts.netloc,
            "location": parts.path.strip("/"),
            "file_overwrite": True,
            "default_acl": None,
            "client_config": _s3_client(),
        },
    }


def _s3_client() -> Any:
    """Return the bounds of S3's client, which by itself waits for minutes for a storage."""
    if not (find_spec("storages") and find_spec("botocore")):
        raise ImproperlyConfigured(
            "STORAGE_URL needs packages of its own: pip install --require-hashes "
            "-r requirements/s3.txt, or build the image with EXTRAS=s3."
        )
    from botocore.config import Config

    return Config(connect_timeout=5, read_timeout=20, retries={"total_max_attempts": 2})


def logging(log_format: str, level: str) -> dict[str, Any]:
    """Return Django's LOGGING: lines for people, or JSON for machines, on standard error."""
    if log_format not in {"text", "json"}:
        raise ImproperlyConfigured("LOG_FORMAT must be text or json, for example LOG_FORMAT=json.")
    if level not in LOG_LEVELS:
        raise ImproperlyConfigured(
            f"LOG_LEVEL must be one of {', '.join(LOG_LEVELS)}, for example LOG_LEVEL=INFO."
        )
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {
            "text": {"()": "mediapipe.logs.TextFormatter"},
            "json": {"()": "mediapipe.logs.JsonFormatter"},
        },
        "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": log_format}},
        "root": {"handlers": ["stderr"], "level": level},
        "loggers": {
            # These repeat every request and task at INFO; our own lines say it once.
            "celery.app.trace": {"level": "WARNING"},
            "celery.worker.strategy": {"level": "WARNING"},
            "django.security.DisallowedHost": {"level": "CRITICAL"},
            # It tells the endpoint at each connection.
            "botocore": {"level": "WARNING"},
            # A line for each refused request: a flood of forged ones would fill the disk.
            "django.request": {"level": "ERROR"},
        },
    }
