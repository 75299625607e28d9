"""Retention deletes files one by one; a file that cannot be deleted does not stop the others."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest
from django.core.files.storage import FileSystemStorage
from django.core.management import CommandError
from pytest_django import Settings

from tasks.purge import purge
from tests.support.retention import KINDS, age, counts, files, purge_output, stored

pytestmark = [pytest.mark.django_db, pytest.mark.database]


@pytest.fixture(autouse=True)
def thirty_days(settings: Settings) -> None:
    for kind in KINDS:
        setattr(settings, f"RETENTION_{kind}_DAYS", 30)


def test_empty_folders_are_removed_and_folders_with_files_kept(settings: Settings) -> None:
    stored()
    age()
    young = stored()
    purge()
    root = Path(settings.MEDIA_ROOT)
    left = {str(path.relative_to(root)) for path in root.rglob("*") if path.is_file()}
    assert left == {young.storage_name}
    assert len(list(root.glob("*/*/*/*/*"))) == 1


class RefusingStorage(FileSystemStorage):
    """A storage that refuses to delete the files named in `undeletable`."""

    undeletable: Sequence[str] = ()

    def delete(self, name: str) -> None:
        if name in self.undeletable:
            raise PermissionError
        super().delete(name)


@pytest.fixture
def refusing_storage(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> type[RefusingStorage]:
    backend = settings.STORAGES["media"] | {"BACKEND": f"{__name__}.RefusingStorage"}
    settings.STORAGES = settings.STORAGES | {"media": backend}
    monkeypatch.setattr(RefusingStorage, "undeletable", ())
    return RefusingStorage


def test_a_file_that_cannot_be_deleted_does_not_block_the_others(
    refusing_storage: type[RefusingStorage], settings: Settings
) -> None:
    item = stored()
    stored()
    age()
    refusing_storage.undeletable = [item.storage_name]
    assert purge() == counts(payloads=2, attempts=2, files=1)
    refusing_storage.undeletable = []
    assert purge() == counts(files=1)
    assert files(settings) == []


def test_the_command_explains_that_the_storage_refuses_to_delete_files(
    refusing_storage: type[RefusingStorage],
) -> None:
    refusing_storage.undeletable = [stored().storage_name]
    age()
    with pytest.raises(CommandError, match=r"Cannot delete files: PermissionError\. The next run"):
        purge_output()
