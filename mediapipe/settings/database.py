from contextlib import suppress
from pathlib import Path
from typing import Any

from django.core.exceptions import ImproperlyConfigured
from environ import Env

from mediapipe.settings.values import text, to_boolean

SQLITE = "django.db.backends.sqlite3"
# The same, adapted to concurrent writers.
SQLITE_ENGINE = "mediapipe.settings.sqlite3"
# The Boolean database settings that the URL may contain.
BOOLEANS = {"ATOMIC_REQUESTS", "AUTOCOMMIT", "DISABLE_SERVER_SIDE_CURSORS"}


def connection(env: Env, name: str, sqlite_path: Path, password: str = "") -> dict[str, Any]:
    """Return Django's settings for a database URL, by default SQLite at this path.

    A `password` replaces the one in the URL. Raise ImproperlyConfigured if the URL is invalid.
    """
    url = text(env, name)
    # Not as a URL: special characters in the path would have to be quoted.
    options: dict[str, Any] = {"ENGINE": SQLITE, "NAME": str(sqlite_path)}
    if url:
        options = _database_url(name, url)
    # The health check notices a database that vanished or was replaced.
    options |= {"CONN_HEALTH_CHECKS": True}
    options.setdefault("CONN_MAX_AGE", 60)
    if options["ENGINE"] == SQLITE:
        options["ENGINE"] = SQLITE_ENGINE
        options["OPTIONS"] = {
            # With the write lock taken at BEGIN, writers queue instead of failing with a deadlock.
            "transaction_mode": "IMMEDIATE",
            "timeout": 30,
            "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;",
        }
        return options
    if password:
        options["PASSWORD"] = password
    for option in BOOLEANS & options.keys():
        # django-environ leaves `false` as a string, which would count as true.
        options[option] = to_boolean(f"{name}: {option}", str(options[option]))
    # PgBouncer in transaction mode loses the cursors outside a transaction; in_chunks needs none.
    options.setdefault("DISABLE_SERVER_SIDE_CURSORS", True)
    # A vanished server is noticed within five seconds instead of after TCP's quarter of an hour. A
    # thread that waits for an answer has nothing in flight, so only probes can tell: after two
    # seconds without a packet one goes out per second.
    probes = {"keepalives_idle": 2, "keepalives_interval": 1}
    bounds = {"connect_timeout": 3, "tcp_user_timeout": 5000, **probes}
    options["OPTIONS"] = bounds | options.get("OPTIONS", {})
    return options


def _database_url(name: str, url: str) -> dict[str, Any]:
    if url.startswith(("postgres://", "postgresql://", "sqlite:///")):
        # The original error could quote a part of the password.
        with suppress(ValueError):
            return dict(Env.db_url_config(url))
    raise ImproperlyConfigured(
        f"{name} is not the URL of a database; write for example {name}=postgres://"
        "user:password@host:5432/name, with %40 for an @ and %2F for a / in the password."
    )
