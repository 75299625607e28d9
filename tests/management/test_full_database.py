"""A database that refuses more connections: commands and the doctor name the remedy."""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.db import OperationalError

from mediapipe.webhooks.outage import is_no_connection_left
from tests.support import servers
from tests.support.commands import manage

REMEDY = "docs/deploying.md#connections."


@pytest.fixture
def full_database() -> Iterator[str]:
    """Return the URL of a database whose role may open no connection."""
    role = f"mediapipe_{secrets.token_hex(6)}"
    with servers.postgresql() as url, servers.cursor(url) as server:
        server.execute(f"CREATE ROLE {role} LOGIN CONNECTION LIMIT 0")
        try:
            yield url.replace("postgres@", f"{role}@")
        finally:
            server.execute(f"DROP ROLE {role}")


@pytest.mark.services
def test_a_command_leads_to_the_number_of_connections(full_database: str, tmp_path: Path) -> None:
    result = manage("retry", data_dir=tmp_path, DATABASE_URL=full_database)
    assert result.returncode == 1
    assert result.stderr.splitlines()[-1].endswith(REMEDY)


@pytest.mark.services
def test_the_doctor_does_not_ask_to_start_the_database(full_database: str, tmp_path: Path) -> None:
    result = manage(
        "doctor", "--json", "--only=database", data_dir=tmp_path, DATABASE_URL=full_database
    )
    (finding,) = json.loads(result.stdout)["findings"]
    assert (result.returncode, finding["name"]) == (1, "database_full")


@pytest.mark.parametrize(
    "refusal",
    [
        "FATAL:  sorry, too many clients already",
        'FATAL:  too many connections for database "mediapipe"',
        "FATAL:  remaining connection slots are reserved for roles with the SUPERUSER attribute",
        "FATAL:  remaining connection slots are reserved for non-replication superuser connections",
        "FATAL:  no more connections allowed (max_client_conn)",
    ],
)
def test_every_refusal_of_a_connection_is_recognized(refusal: str) -> None:
    assert is_no_connection_left(OperationalError(refusal))


def test_a_refused_password_is_no_lack_of_connections() -> None:
    refusal = 'FATAL:  password authentication failed for user "ann"'
    assert not is_no_connection_left(OperationalError(refusal))
