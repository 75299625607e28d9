import os
import re
from importlib.util import find_spec
from typing import Any

from django.core.exceptions import ImproperlyConfigured

BUCKET_URL = re.compile(r"s3://(?P<bucket>[A-Za-z0-9._-]{1,255})(?:/(?P<prefix>[^?#]*))?")


def media(storage_url: str, media_root: str, secret_key: str = "") -> dict[str, Any]:
    """Return the entry of STORAGES for media: a folder, or s3://bucket/prefix.

    `secret_key` belongs to AWS_ACCESS_KEY_ID; without it boto3 looks for credentials.
    """
    if not storage_url:
        return {
            "BACKEND": "django.core.files.storage.FileSystemStorage",
            # A repeated fetch replaces the file with the same bytes in one rename.
            "OPTIONS": {
                "location": media_root,
                "base_url": None,
                "allow_overwrite": True,
                # Django's default for files is 0644, whatever the umask.
                "file_permissions_mode": 0o600,
                "directory_permissions_mode": 0o700,
            },
        }
    # The doctor shows this setting, so a key in it is an error; the message does not quote it.
    url = BUCKET_URL.fullmatch(storage_url)
    if not url:
        raise ImproperlyConfigured(
            "STORAGE_URL is not the URL of a bucket; write for example "
            "STORAGE_URL=s3://bucket/prefix. The key belongs in AWS_ACCESS_KEY_ID and "
            "AWS_SECRET_ACCESS_KEY, the server in AWS_ENDPOINT_URL_S3."
        )
    return {
        "BACKEND": "storages.backends.s3.S3Storage",
        "OPTIONS": {
            "bucket_name": url["bucket"],
            "location": (url["prefix"] or "").strip("/"),
            # boto3 would read it from the environment as well, but not from a file.
            **({"secret_key": secret_key} if secret_key else {}),
            "file_overwrite": True,
            "default_acl": None,
            "client_config": _s3_client(),
            "transfer_config": _s3_transfer(),
        },
    }


def _s3_transfer() -> Any:
    from boto3.s3.transfer import TransferConfig

    # By default ten threads each hold 8 MB of an upload in memory. With one thread a worker needs a
    # tenth of that, and can renew its lease while it uploads a recording of hundreds of megabytes.
    return TransferConfig(use_threads=False)


def _s3_client() -> Any:
    if not (find_spec("storages") and find_spec("botocore")):
        raise ImproperlyConfigured(
            "STORAGE_URL needs more packages: pip install --require-hashes "
            "-r requirements/s3.txt, or build the image with EXTRAS=s3."
        )
    from botocore.config import Config

    return Config(
        # By default the client waits minutes for a server that does not respond.
        connect_timeout=5,
        read_timeout=20,
        retries={"total_max_attempts": 2},
        # By default boto3 appends a CRC32 as a trailer, which many servers other than Amazon's
        # refuse (boto3#4398, django-storages#1498). Without it the signature covers the SHA-256 of
        # the body. Config takes precedence over the environment, so we read the environment here.
        request_checksum_calculation=_checksums("AWS_REQUEST_CHECKSUM_CALCULATION"),
        response_checksum_validation=_checksums("AWS_RESPONSE_CHECKSUM_VALIDATION"),
    )


def _checksums(name: str) -> str:
    value = os.environ.get(name, "").lower() or "when_required"
    if value not in ("when_required", "when_supported"):
        raise ImproperlyConfigured(f"{name} must be when_required or when_supported.")
    return value
