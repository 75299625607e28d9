from importlib.util import find_spec
from typing import Any
from urllib.parse import urlsplit

from django.core.exceptions import ImproperlyConfigured


def media(storage_url: str, media_root: str) -> dict[str, Any]:
    """Return the entry of STORAGES for media: a folder, or s3://bucket/prefix."""
    if not storage_url:
        return {
            "BACKEND": "django.core.files.storage.FileSystemStorage",
            # A repeated fetch replaces the file with the same bytes in one rename.
            "OPTIONS": {"location": media_root, "base_url": None, "allow_overwrite": True},
        }
    parts = urlsplit(storage_url)
    if parts.scheme != "s3" or not parts.netloc:
        raise ImproperlyConfigured(
            "STORAGE_URL is not the URL of a bucket; write for example "
            "STORAGE_URL=s3://bucket/prefix."
        )
    return {
        "BACKEND": "storages.backends.s3.S3Storage",
        "OPTIONS": {
            "bucket_name": parts.netloc,
            "location": parts.path.strip("/"),
            "file_overwrite": True,
            "default_acl": None,
            "client_config": _s3_client(),
        },
    }


def _s3_client() -> Any:
    if not (find_spec("storages") and find_spec("botocore")):
        raise ImproperlyConfigured(
            "STORAGE_URL needs more packages: pip install --require-hashes "
            "-r requirements/s3.txt, or build the image with EXTRAS=s3."
        )
    from botocore.config import Config

    # By default the client waits minutes for a storage that does not respond.
    return Config(connect_timeout=5, read_timeout=20, retries={"total_max_attempts": 2})
