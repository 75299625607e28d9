import os
import secrets
import tempfile
from contextlib import suppress
from pathlib import Path
from urllib.parse import urlsplit


def kept_secret(path: Path) -> str:
    """Return the secret in this file; on the first run create it, readable by its owner only."""
    if not path.exists():
        with tempfile.NamedTemporaryFile("w", dir=path.parent) as file:
            file.write(secrets.token_urlsafe(50))
            file.flush()
            # Of several processes starting together one creates it, and none sees it half written.
            with suppress(FileExistsError):
                os.link(file.name, path)
    return path.read_text().strip()


def origin(url: str) -> str:
    """Return scheme://host[:port] of a URL."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}"


def allowed_hosts(listed: list[str], public_base_url: str) -> list[str]:
    """Return ALLOWED_HOSTS: those listed, the public one, and this machine."""
    public = urlsplit(public_base_url).hostname
    return [*listed, *([public] if public else []), "localhost", "127.0.0.1", "[::1]"]
