"""How values of the environment become settings, and what is said when they cannot."""

import hashlib
import os
import re
import secrets
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import urlsplit

from django.core.exceptions import ImproperlyConfigured
from environ import Env

T = TypeVar("T")

UNITS_S = {"": 1, "s": 1, "m": 60, "h": 3600, "d": 86400}
# Linux allows 108 bytes in the path of a unix socket, macOS 104.
LONGEST_SOCKET_PATH = 100


def boolean(env: Env, name: str, *, default: bool) -> bool:
    """Return a yes or no; anything else than the usual words is an error, not a no."""
    value = env.str(name, default=str(default)).strip().lower()
    if value in {"1", "true", "yes", "on"}:
        return True
    if value in {"", "0", "false", "no", "off"}:
        return False
    raise ImproperlyConfigured(f"{name} must be true or false, for example {name}=true.")


def duration_s(text: str) -> float:
    """Return the seconds of "90", "1.5s", "10m", "3h" or "2d"; raise ValueError for others."""
    match = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*([smhd]?)\s*", text)
    if not match:
        raise ValueError(text)
    return float(match[1]) * UNITS_S[match[2]]


def seconds(env: Env, name: str, *, default: str) -> float:
    """Return one duration in seconds."""
    (value,) = _durations(name, [env.str(name, default="") or default])
    return value


def seconds_list(env: Env, name: str, *, default: str) -> tuple[float, ...]:
    """Return a comma list of durations in seconds; an empty value is an empty list."""
    parts = env.str(name, default=default).split(",")
    return tuple(_durations(name, [part for part in parts if part.strip()]))


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
        return [parse(item.strip()) for item in env.list(name, default=[])]
    except ValueError as error:
        raise ImproperlyConfigured(f"{name}: {error}. For example {name}={example}") from None


def kept_secret(path: Path) -> str:
    """Return the secret in this file; make one, readable by us alone, on the first run."""
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return path.read_text().strip()
    with os.fdopen(handle, "w") as file:
        secret = secrets.token_urlsafe(50)
        file.write(secret)
    return secret


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


def transport_options(broker_url: str) -> dict[str, Any]:
    """Return what the broker's transport needs so that no message is lost in silence."""
    if broker_url.startswith(("amqp", "pyamqp")):
        # A broker under a memory alarm answers nothing: the timeouts turn that into an error.
        return {"confirm_publish": True, "read_timeout": 10, "write_timeout": 10}
    if broker_url.startswith(("redis", "rediss", "valkey")):
        # Longer than the longest countdown and download together, else each runs twice.
        return {"visibility_timeout": 3600, "unacked_restore_interval": 10}
    return {}


def database(env: Env, sqlite_path: Path) -> dict[str, Any]:
    """Return Django's settings for DATABASE_URL, by default SQLite at this path."""
    options: dict[str, Any] = env.db_url("DATABASE_URL", default=f"sqlite:///{sqlite_path}")
    if options["ENGINE"] == "django.db.backends.sqlite3":
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
        raise ImproperlyConfigured("STORAGE_URL must look like s3://bucket/prefix.")
    return {
        "BACKEND": "storages.backends.s3.S3Storage",
        "OPTIONS": {
            "bucket_name": parts.netloc,
            "location": parts.path.strip("/"),
            "file_overwrite": True,
            "default_acl": None,
        },
    }


def logging(log_format: str, level: str) -> dict[str, Any]:
    """Return Django's LOGGING: lines for people, or JSON for machines, on standard error."""
    if log_format not in {"text", "json"}:
        raise ImproperlyConfigured("LOG_FORMAT must be text or json.")
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {
            "text": {"format": "%(asctime)s %(levelname)s %(name)s: %(message)s"},
            "json": {"()": "mediapipe.logs.JsonFormatter"},
        },
        "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": log_format}},
        "root": {"handlers": ["stderr"], "level": level},
        "loggers": {
            # These repeat every request and task at INFO; our own lines say it once.
            "celery.app.trace": {"level": "WARNING"},
            "celery.worker.strategy": {"level": "WARNING"},
            "django.security.DisallowedHost": {"level": "CRITICAL"},
        },
    }
