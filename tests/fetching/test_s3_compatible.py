"""S3 servers other than Amazon's, over https: over http boto3 sends other headers."""

from __future__ import annotations

import hashlib
import logging
import re
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.test import Client
from django.urls import reverse
from pytest_django import Settings

from mediapipe.failures import StorageFailed
from mediapipe.fetching import storage
from mediapipe.management.doctor.storage import check_storage
from mediapipe.models import Incident
from mediapipe.settings import storage as configured
from mediapipe.simulator import Simulator
from tests.support import s3_stub
from tests.support.fetching import attempt, picture
from tests.support.raw_server import CERTIFICATE
from tests.support.servers import free_port

pytestmark = pytest.mark.django_db

NAME = "AC1/2026/01/31/MM1/ME1.jpg"
# More than boto3 uploads in one part.
LARGE = bytes(9 * 1024 * 1024)


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[s3_stub.S3Stub]:
    with s3_stub.running() as stub:
        for name, value in {
            "AWS_ACCESS_KEY_ID": "AKIDHUNTER2",
            "AWS_SECRET_ACCESS_KEY": "hunter2",
            "AWS_CA_BUNDLE": str(CERTIFICATE),
            "AWS_ENDPOINT_URL_S3": stub.origin,
            "AWS_EC2_METADATA_DISABLED": "true",
        }.items():
            monkeypatch.setenv(name, value)
        yield stub


@pytest.fixture(autouse=True)
def bucket(
    server: s3_stub.S3Stub, settings: Settings, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Store into a bucket of the server, whatever the developer's own AWS configuration."""
    for name in ("AWS_REQUEST_CHECKSUM_CALCULATION", "AWS_RESPONSE_CHECKSUM_VALIDATION"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    real = socket.getaddrinfo

    def resolve(host: Any, *args: Any, **options: Any) -> Any:
        return real("127.0.0.1" if host == s3_stub.HOST else host, *args, **options)

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    settings.DATA_DIR = tmp_path
    configure_storage(settings)


def configure_storage(settings: Settings) -> None:
    """Read the AWS_ variables again."""
    settings.STORAGE_URL = "s3://media/in/here"
    stored = {"media": configured.media(settings.STORAGE_URL, "")}
    settings.STORAGES = settings.STORAGES | stored


def keep(body: bytes = b"media") -> None:
    with storage.temporary_file() as file:
        file.write(body)
        storage.keep(file, NAME)


def detail_of_a_failure() -> str:
    with pytest.raises(StorageFailed) as caught:
        keep()
    return caught.value.detail


def test_a_picture_is_stored_on_a_server_that_refuses_checksums(
    server: s3_stub.S3Stub, twilio: Simulator
) -> None:
    item = picture(twilio)
    assert attempt(item) == "stored"
    assert list(server.objects) == [f"/media/in/here/{item.storage_name}"]
    assert storage.read_size_and_hash(item.storage_name) == (item.size, item.sha256)


def test_the_signature_of_an_upload_covers_the_bytes(server: s3_stub.S3Stub) -> None:
    keep(b"media")
    (put,) = server.requests
    assert put.headers["x-amz-content-sha256"] == hashlib.sha256(b"media").hexdigest()


def test_a_file_in_several_parts_is_stored_without_checksums(server: s3_stub.S3Stub) -> None:
    keep(LARGE)
    assert [len(body) for body in server.objects.values()] == [len(LARGE)]
    assert storage.read_size_and_hash(NAME) == (len(LARGE), hashlib.sha256(LARGE).hexdigest())
    assert {request.method for request in server.requests} > {"POST", "PUT"}


def test_a_file_is_read_from_an_offset_and_deleted_without_checksums(
    server: s3_stub.S3Stub,
) -> None:
    keep(b"0123456789")
    with storage.open_stored(NAME, 4) as file:
        assert file.read() == b"456789"
    storage.remove(NAME)
    assert not storage.exists(NAME)
    assert server.objects == {}


def test_checksums_can_be_enabled_by_an_environment_variable(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_REQUEST_CHECKSUM_CALCULATION", "WHEN_SUPPORTED")
    configure_storage(settings)
    assert detail_of_a_failure().startswith("PutObject: InvalidArgument (HTTP 400): ")


def test_an_unknown_checksum_mode_is_refused_with_the_name_of_its_variable(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("AWS_RESPONSE_CHECKSUM_VALIDATION", "never")
    with pytest.raises(ImproperlyConfigured, match="AWS_RESPONSE_CHECKSUM_VALIDATION must be"):
        configured.media("s3://bucket/prefix", "")


@pytest.mark.parametrize(
    "url", ["s3://key:hunter2@bucket", "s3://bucket/a?secret=hunter2", "s3:///hunter2", "s3://[hu"]
)
def test_an_invalid_bucket_url_is_refused_without_showing_its_secrets(url: str) -> None:
    with pytest.raises(ImproperlyConfigured, match="AWS_SECRET_ACCESS_KEY") as caught:
        configured.media(url, "")
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize(
    ("code", "status"),
    [
        ("AccessDenied", 403),
        ("NoSuchBucket", 404),
        ("SignatureDoesNotMatch", 403),
        ("InvalidArgument", 400),
        ("ExpiredToken", 400),
        ("RequestTimeTooSkewed", 403),
        ("Unauthorized", 401),
        ("SlowDown", 503),
    ],
)
def test_a_known_error_code_of_the_server_is_shown_with_a_remedy(
    server: s3_stub.S3Stub, code: str, status: int
) -> None:
    server.error = (code, status)
    assert re.fullmatch(rf"PutObject: {code} \(HTTP {status}\): .+", detail_of_a_failure())


def test_an_unknown_error_code_is_shown_without_a_remedy(server: s3_stub.S3Stub) -> None:
    server.error = ("TeapotShort", 418)
    assert detail_of_a_failure() == "PutObject: TeapotShort (HTTP 418)"


def test_a_malformed_error_code_is_not_shown(server: s3_stub.S3Stub) -> None:
    server.error = ("key AKIDHUNTER2", 400)
    assert detail_of_a_failure() == "PutObject: no code (HTTP 400)"


def test_an_error_response_without_a_body_is_shown_with_its_status(server: s3_stub.S3Stub) -> None:
    server.error = ("AccessDenied", 403)
    with pytest.raises(StorageFailed) as caught:
        storage.open_stored(NAME)
    assert caught.value.detail.startswith("HeadObject: HTTP 403: ")


def test_the_error_code_is_shown_in_the_admin_the_log_and_the_incident(
    server: s3_stub.S3Stub,
    twilio: Simulator,
    caplog: pytest.LogCaptureFixture,
    admin_client: Client,
) -> None:
    server.error = ("AccessDenied", 403)
    item = picture(twilio)
    with caplog.at_level(logging.INFO, "mediapipe"):
        assert attempt(item) == "retrying: storage_failed"
    shown = "PutObject: AccessDenied (HTTP 403): the key needs PutObject, GetObject and"
    assert shown in item.detail
    assert shown in caplog.text
    assert shown in Incident.objects.get().detail
    page = admin_client.get(reverse("admin:mediapipe_mediaitem_change", args=[item.pk]))
    assert shown in page.content.decode()
    assert "hunter2" not in (item.detail + caplog.text).lower()
    assert "s3cret" not in item.detail + caplog.text


def test_the_doctor_shows_the_error_code(server: s3_stub.S3Stub) -> None:
    server.error = ("InvalidAccessKeyId", 403)
    (finding,) = check_storage()
    assert "PutObject: InvalidAccessKeyId (HTTP 403)" in str(finding)


def test_an_unavailable_server_is_reported_without_its_url(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", f"https://ann:hunter2@127.0.0.1:{free_port()}")
    configure_storage(settings)
    assert detail_of_a_failure().startswith("EndpointConnectionError: cannot connect: ")


def test_an_untrusted_certificate_is_reported_with_the_variable_to_set(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("AWS_CA_BUNDLE")
    configure_storage(settings)
    assert detail_of_a_failure().startswith(
        "SSLError: TLS failed; for a CA of your own set AWS_CA_"
    )


def test_an_unavailable_proxy_is_reported_without_its_password(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", f"http://ann:hunter2@127.0.0.1:{free_port()}")
    configure_storage(settings)
    assert detail_of_a_failure().startswith("ProxyConnectionError: the proxy in HTTPS_PROXY")


def test_a_missing_key_is_reported_with_the_variables_to_set(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", "/nonexistent")
    configure_storage(settings)
    assert detail_of_a_failure() == (
        "NoCredentialsError: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"
    )


def test_an_endpoint_without_a_scheme_is_reported_as_an_invalid_url(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", "minio.example.com")
    configure_storage(settings)
    assert detail_of_a_failure().startswith("AWS_ENDPOINT_URL_S3 is not a URL")


def test_the_config_file_can_put_the_bucket_into_the_host_name(
    server: s3_stub.S3Stub, settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "config").write_text("[default]\ns3 =\n  addressing_style = virtual\n")
    configure_storage(settings)
    # The certificate covers only the host without the bucket, so no request arrives.
    assert detail_of_a_failure().startswith(("SSLError", "EndpointConnectionError"))
    assert server.requests == []


def test_a_full_disk_is_also_reported_for_storage_in_a_folder(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    settings.STORAGE_URL = ""
    settings.STORAGES = settings.STORAGES | {
        "media": configured.media("", str(settings.MEDIA_ROOT))
    }
    monkeypatch.setattr("django.core.files.storage.filesystem.file_move_safe", full)
    assert detail_of_a_failure() == "OSError: No space left on device"
