from __future__ import annotations

from collections.abc import Iterator

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.db import DatabaseError, InterfaceError, NotSupportedError, connection
from django.db.migrations.executor import MigrationExecutor

from mediapipe.admin.text import counted
from mediapipe.management.doctor.findings import Finding, Level, ok
from mediapipe.management.doctor.issues import Issue
from mediapipe.webhooks.outage import is_no_connection_left


def check_database() -> Iterator[Finding]:
    """Yield whether the database responds, is supported, and has the tables of this version."""
    database = settings.DATABASES["default"]
    host = f"{database.get('HOST')}, " if database.get("HOST") else ""
    where = f"{host}{database['NAME']}"
    try:
        connection.ensure_connection()
        connection.check_database_version_supported()
        if connection.vendor == "sqlite":
            yield Issue.DATABASE_IS_SQLITE.found(where)
        else:
            version = ".".join(map(str, connection.get_database_version()))
            yield ok(f"{connection.display_name} {version} responds", where)
        yield _check_migrations()
    except NotSupportedError as error:
        yield Issue.DATABASE_TOO_OLD.found(message=_first_line(error))
    except (DatabaseError, InterfaceError, ImproperlyConfigured) as error:
        issue = Issue.DATABASE_FULL if is_no_connection_left(error) else Issue.DATABASE_AWAY
        yield issue.found(where, message=_first_line(error))


def is_usable() -> bool:
    """Return whether the tables can be read, which other checks need."""
    return all(finding.level is not Level.ERROR for finding in check_database())


def _check_migrations() -> Finding:
    executor = MigrationExecutor(connection)
    loader = executor.loader
    missing = executor.migration_plan(loader.graph.leaf_nodes())
    if missing:
        first = missing[0][0]
        return Issue.MIGRATIONS_MISSING.found(
            f"starting with {first.app_label} {first.name}",
            message=f"{counted(len(missing), 'migration')} not applied",
        )
    # Migrations of apps that are not installed, and those that a squashed one replaces, do not
    # mean that the tables are newer.
    installed = {label for label, _ in loader.disk_migrations}
    applied = {key for key in loader.applied_migrations if key[0] in installed}
    replaced = {key for m in loader.disk_migrations.values() for key in m.replaces}
    unknown = sorted(applied - set(loader.disk_migrations) - replaced)
    if unknown:
        return Issue.MIGRATIONS_UNKNOWN.found(", ".join(f"{app} {name}" for app, name in unknown))
    return ok("all migrations are applied")


def _first_line(error: Exception) -> str:
    """Return the library's own message; neither libpq nor SQLite puts a password in it."""
    lines = str(error).strip().splitlines()
    return lines[0] if lines else type(error).__name__
