"""Whether the database answers, is new enough, and has the tables of this version."""

from __future__ import annotations

from collections.abc import Iterator

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.db import DatabaseError, InterfaceError, NotSupportedError, connection
from django.db.migrations.executor import MigrationExecutor

from mediapipe.management.doctor.findings import Finding, fine
from mediapipe.management.doctor.issues import Trouble


def examine() -> Iterator[Finding]:
    """Yield how the database is; what is wrong ends it, as nothing more can be asked then."""
    try:
        connection.ensure_connection()
        connection.check_database_version_supported()
        yield _server()
        yield _migrations()
    except NotSupportedError as error:
        yield Trouble.DATABASE_TOO_OLD.found(what=_first_line(error))
    except (DatabaseError, InterfaceError, ImproperlyConfigured) as error:
        yield Trouble.DATABASE_AWAY.found(_where(), what=_first_line(error))


def answers() -> bool:
    """Tell whether the tables can be read, so that what is written in them can be looked at."""
    return all(finding.name not in STOPPERS for finding in examine())


STOPPERS = {
    trouble.name.lower()
    for trouble in (
        Trouble.DATABASE_AWAY,
        Trouble.DATABASE_TOO_OLD,
        Trouble.MIGRATIONS_MISSING,
    )
}


def _server() -> Finding:
    if connection.vendor == "sqlite":
        return Trouble.DATABASE_IS_SQLITE.found(_where())
    version = ".".join(map(str, connection.get_database_version()))
    return fine(f"{connection.display_name} {version} answers", _where())


def _migrations() -> Finding:
    executor = MigrationExecutor(connection)
    loader = executor.loader
    missing = executor.migration_plan(loader.graph.leaf_nodes())
    if missing:
        first = missing[0][0]
        return Trouble.MIGRATIONS_MISSING.found(
            f"from {first.app_label} {first.name} on",
            what=f"{len(missing)} migrations are not applied",
        )
    ours = {label for label, _ in loader.disk_migrations}
    applied = {key for key in loader.applied_migrations if key[0] in ours}
    replaced = {key for m in loader.disk_migrations.values() for key in m.replaces}
    unknown = sorted(applied - set(loader.disk_migrations) - replaced)
    if unknown:
        return Trouble.MIGRATIONS_UNKNOWN.found(", ".join(f"{app} {name}" for app, name in unknown))
    return fine("every migration is applied")


def _where() -> str:
    database = settings.DATABASES["default"]
    host = f"{database.get('HOST')}, " if database.get("HOST") else ""
    return f"{host}{database['NAME']}"


def _first_line(error: Exception) -> str:
    """Return what the library says; neither libpq nor SQLite ever names a password."""
    lines = str(error).strip().splitlines()
    return lines[0] if lines else type(error).__name__
