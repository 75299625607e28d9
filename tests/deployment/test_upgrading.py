"""The version before still runs on the tables of this one, so that an update needs no pause.

What the version before knows of the tables is in Django's record of its last migration: models
with the fields of that time. They must be able to write, read, change and delete in the tables as
they are now. A column that was taken away, renamed, or is required and has no default in the
database stops the old web in the minute between `migrate` and its own restart.
"""

from __future__ import annotations

import secrets
from typing import Any

import pytest
from django.db import connection, models
from django.db.migrations.loader import MigrationLoader
from django.utils import timezone

pytestmark = [pytest.mark.django_db, pytest.mark.database]

APP = "mediapipe"
# The tables of versions before this one were made in the same release as it.
FIRST = "0001"


def names() -> list[str]:
    """Return our migrations from FIRST on, in their order."""
    loader = MigrationLoader(None)
    (leaf,) = loader.graph.leaf_nodes(APP)
    ours = [name for app, name in loader.graph.forwards_plan(leaf) if app == APP]
    return [name for name in ours if name[:4] >= FIRST]


def models_of(name: str) -> list[type[models.Model]]:
    """Return our models as the version with this last migration knows them."""
    loader = MigrationLoader(connection)
    known = loader.project_state((APP, name)).apps.get_app_config(APP)
    return list(known.get_models())


def value_of(field: models.Field[Any, Any]) -> Any:
    """Return something that the field takes."""
    if isinstance(field, models.ForeignKey):
        return made(field.related_model)
    if isinstance(field, models.DateTimeField):
        return timezone.now()
    if isinstance(field, models.JSONField):
        return []
    if isinstance(field, models.BooleanField):
        return False
    if isinstance(field, models.BinaryField):
        return b""
    if isinstance(field, models.IntegerField | models.FloatField):
        return secrets.randbelow(10**6)
    return secrets.token_hex(4)[: field.max_length]


def made(model: type[models.Model]) -> models.Model:
    """Return a row that the model of that time has written with what it requires."""
    required = [
        field
        for field in model._meta.concrete_fields
        if not field.has_default() and not field.null and not isinstance(field, models.AutoField)
    ]
    return model._default_manager.create(**{field.name: value_of(field) for field in required})


@pytest.mark.parametrize("name", names())
def test_the_version_with_this_migration_runs_on_the_tables_of_today(name: str) -> None:
    for model in models_of(name):
        row = made(model)
        row.save()
        assert list(model._default_manager.all())
        row.delete()
