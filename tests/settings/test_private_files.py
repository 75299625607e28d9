"""Only the service's own user can read the files that it writes."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.core.files.base import ContentFile
from django.core.files.storage import FileSystemStorage

from mediapipe.settings import broker, storage
from tests.support.commands import manage


def readable_by_others(folder: Path) -> list[str]:
    found = [folder, *folder.rglob("*")]
    return [str(path) for path in found if path.lstat().st_mode & 0o077 and not path.is_symlink()]


def test_a_migrated_data_folder_is_private(tmp_path: Path) -> None:
    data = tmp_path / "data"
    previous = os.umask(0o022)
    try:
        done = manage("migrate", "--verbosity", "0", data_dir=data)
    finally:
        os.umask(previous)
    assert (done.returncode, done.stderr) == (0, "")
    assert (data / "mediapipe.sqlite3").exists()
    assert readable_by_others(data) == []


def test_a_stored_file_is_private_under_any_umask(tmp_path: Path) -> None:
    options = storage.media("", str(tmp_path / "media"))["OPTIONS"]
    previous = os.umask(0o022)
    try:
        FileSystemStorage(**options).save("AC1/2026/ME1.jpg", ContentFile(b"a picture"))
    finally:
        os.umask(previous)
    assert readable_by_others(tmp_path / "media") == []


@pytest.fixture
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    return tmp_path


def test_the_socket_of_a_long_data_folder_is_in_a_private_folder(temporary: Path) -> None:
    path = broker.socket_path(Path("/" + "x" * 120))
    assert (path.name, path.parent.parent) == ("broker.sock", temporary)
    assert readable_by_others(path.parent) == []


@pytest.mark.parametrize("created_as", ["readable", "link"])
def test_a_socket_folder_that_is_not_private_to_this_user_is_refused(
    temporary: Path, created_as: str
) -> None:
    folder = broker.socket_path(Path("/" + "x" * 120)).parent
    if created_as == "readable":
        folder.chmod(0o755)
    else:
        folder.rmdir()
        (temporary / "elsewhere").mkdir(mode=0o700)
        folder.symlink_to(temporary / "elsewhere")
    with pytest.raises(ImproperlyConfigured, match="is not private to this user"):
        broker.socket_path(Path("/" + "x" * 120))
