"""The previous version still runs on the tables of this one, so an update needs no downtime.

Django's migration state has the models of an earlier version, as of its last migration. They must
be able to insert, read, update and delete rows in today's tables. A column that was removed or
renamed, or is required without a default in the database, breaks the old web process in the minute
between `migrate` and its restart.
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


def names() -> list[str]:
    """Return the names of our migrations, in order."""
    loader = MigrationLoader(None)
    (leaf,) = loader.graph.leaf_nodes(APP)
    return [name for app, name in loader.graph.forwards_plan(leaf) if app == APP]


def models_of(name: str) -> list[type[models.Model]]:
    """Return our models as the version whose last migration this is knows them."""
    loader = MigrationLoader(connection)
    known = loader.project_state((APP, name)).apps.get_app_config(APP)
    return list(known.get_models())


def value_of(field: models.Field[Any, Any]) -> Any:
    """Return a valid value for the field."""
    if isinstance(field, models.ForeignKey):
        return create_row(field.related_model)
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


def create_row(model: type[models.Model]) -> models.Model:
    """Insert a row with the required fields of this earlier model; return it."""
    required = [
        field
        for field in model._meta.concrete_fields
        if not field.has_default() and not field.null and not isinstance(field, models.AutoField)
    ]
    return model._default_manager.create(**{field.name: value_of(field) for field in required})


@pytest.mark.parametrize("name", names())
def test_the_models_as_of_each_migration_work_on_the_current_tables(name: str) -> None:
    for model in models_of(name):
        row = create_row(model)
        row.save()
        assert list(model._default_manager.all())
        row.delete()
