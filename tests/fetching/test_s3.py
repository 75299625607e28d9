"""Media in S3: stored, replaced, read in part, deleted; and what happens when S3 is unavailable."""

from __future__ import annotations

import hashlib
import secrets
import threading
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import boto3
import pytest
from django.core.exceptions import ImproperlyConfigured
from django.db.models import F
from django.test import Client
from django.urls import reverse
from pytest_django import Settings

from mediapipe.failures import LeaseLost, StorageFailed
from mediapipe.fetching import storage
from mediapipe.models import Incident, MediaItem
from mediapipe.settings import storage as configured
from mediapipe.simulator import Simulator
from tasks.purge import purge
from tests.support import make, s3_server
from tests.support.fetching import attempt, picture
from tests.support.servers import free_port

pytestmark = [pytest.mark.django_db, pytest.mark.services]

LARGE_BYTES = 20 * 1024 * 1024
NAME = "AC1/2026/01/31/MM1/ME1.jpg"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with s3_server.running(tmp_path_factory.mktemp("s3") / "server.log") as origin:
        yield origin


@pytest.fixture
def bucket(server: str, settings: Settings, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Any:
    """Return a new bucket that the service stores into."""
    for name, value in {
        "AWS_ACCESS_KEY_ID": "key",
        "AWS_SECRET_ACCESS_KEY": "secret",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_ENDPOINT_URL_S3": server,
    }.items():
        monkeypatch.setenv(name, value)
    bucket = boto3.resource("s3").create_bucket(Bucket=f"media-{secrets.token_hex(4)}")
    configure_storage(settings, f"s3://{bucket.name}/in/here")
    settings.DATA_DIR = tmp_path
    return bucket


def configure_storage(settings: Settings, url: str) -> None:
    settings.STORAGE_URL = url
    settings.STORAGES = settings.STORAGES | {"media": configured.media(url, "")}


def objects(bucket: Any) -> list[str]:
    return [found.key for found in bucket.objects.all()]


def keep(body: bytes) -> None:
    with storage.temporary_file() as file:
        file.write(body)
        storage.keep(file, NAME)


def test_a_picture_is_stored_as_an_object_with_the_bytes_that_were_served(
    bucket: Any, twilio: Simulator
) -> None:
    item = picture(twilio)
    assert attempt(item) == "stored"
    item.refresh_from_db()
    assert objects(bucket) == [f"in/here/{item.storage_name}"]
    with storage.open_stored(item.storage_name) as file:
        assert hashlib.sha256(file.read()).hexdigest() == item.sha256


def test_a_second_copy_replaces_the_first_under_the_same_name(bucket: Any) -> None:
    keep(b"first")
    keep(b"second")
    assert objects(bucket) == [f"in/here/{NAME}"]
    with storage.open_stored(NAME) as file:
        assert file.read() == b"second"


def test_the_lease_can_be_renewed_during_a_long_upload(bucket: Any) -> None:
    threads = []
    with storage.temporary_file() as file:
        file.write(bytes(LARGE_BYTES))
        storage.keep(file, NAME, lambda: threads.append(threading.current_thread()))
    assert bucket.Object(f"in/here/{NAME}").content_length == LARGE_BYTES
    # Another thread would need its own database connection.
    assert len(threads) > 2
    assert set(threads) == {threading.current_thread()}


def test_an_upload_ends_when_its_lease_is_lost(bucket: Any) -> None:
    def raise_lease_lost() -> None:
        raise LeaseLost

    with storage.temporary_file() as file, pytest.raises(LeaseLost):
        file.write(bytes(LARGE_BYTES))
        storage.keep(file, NAME, raise_lease_lost)
    assert objects(bucket) == []
    assert not list(bucket.multipart_uploads.all())


def test_a_file_can_be_read_from_an_offset(bucket: Any) -> None:
    keep(b"0123456789")
    with storage.open_stored(NAME, 4) as file:
        assert file.read(3) == b"456"


def test_a_removed_file_no_longer_exists_and_can_be_removed_again(bucket: Any) -> None:
    keep(b"media")
    assert storage.exists(NAME)
    for _ in range(2):
        storage.remove(NAME)
    assert not storage.exists(NAME)
    assert objects(bucket) == []
    with pytest.raises(FileNotFoundError):
        storage.open_stored(NAME)


def test_the_admin_serves_the_whole_file_and_a_range_of_it(
    bucket: Any, twilio: Simulator, admin_client: Client
) -> None:
    item = picture(twilio)
    attempt(item)
    item.refresh_from_db()
    url = reverse("admin:mediapipe_mediaitem_file", args=[item.pk])
    whole: Any = admin_client.get(url)
    body = b"".join(whole.streaming_content)
    assert (len(body), whole["Content-Length"]) == (item.size, str(item.size))
    part: Any = admin_client.get(url, headers={"Range": "bytes=5-9"})
    assert (part.status_code, b"".join(part.streaming_content)) == (206, body[5:10])


def test_retention_deletes_the_object(bucket: Any, twilio: Simulator, settings: Settings) -> None:
    settings.RETENTION_FILES_DAYS = 1
    attempt(picture(twilio))
    MediaItem.objects.update(retrieved_at=F("retrieved_at") - timedelta(days=2))
    assert purge()["files"] == 1
    assert objects(bucket) == []


@pytest.fixture
def unavailable_storage(bucket: Any, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    """Point the storage to a port where nothing listens."""
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", f"http://127.0.0.1:{free_port()}")
    configure_storage(settings, settings.STORAGE_URL)


@pytest.mark.usefixtures("unavailable_storage")
def test_an_unavailable_storage_is_a_local_failure_and_opens_an_incident(twilio: Simulator) -> None:
    item = picture(twilio)
    assert attempt(item) == "retrying: storage_failed"
    assert Incident.objects.get().cause == "storage_failed"


@pytest.mark.usefixtures("unavailable_storage")
def test_the_admin_responds_with_503_if_the_storage_is_unavailable(admin_client: Client) -> None:
    item = make.media()
    MediaItem.objects.update(status="stored", size=3, storage_name=NAME)
    answer = admin_client.get(reverse("admin:mediapipe_mediaitem_file", args=[item.pk]))
    assert (answer.status_code, answer.content[:33]) == (
        503,
        b"The storage cannot read the file:",
    )


def test_a_missing_bucket_is_a_local_failure(bucket: Any, settings: Settings) -> None:
    configure_storage(settings, "s3://missing-bucket")
    with pytest.raises(StorageFailed, match=r"NoSuchBucket|S3UploadFailedError"):
        keep(b"media")


def test_the_error_for_missing_packages_explains_how_to_install_them(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(configured, "find_spec", lambda name: None)
    with pytest.raises(ImproperlyConfigured, match=r"requirements/s3\.txt"):
        configured.media("s3://bucket/prefix", "")
