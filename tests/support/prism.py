"""A mock server of Twilio's API, from excerpts of Twilio's OpenAPI description in payloads/.

It responds with 422 to what the description does not allow, and with 401 without credentials.
"""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.support.servers import free_port

ROOT = Path(__file__).resolve().parent.parent.parent
PAYLOADS = Path(__file__).parent / "payloads"
# This is the last version that runs on Node 20; git ignores the folder.
INSTALL = "npm install --prefix var/prism @stoplight/prism-cli@5.14.2"
INSTALLED = ROOT / "var/prism/node_modules/.bin/prism"


@contextmanager
def prism(description: str) -> Iterator[str]:
    """Yield the origin of a mock server for the description in this file of payloads/.

    It runs without --errors, because the page URIs in Twilio's examples violate Twilio's format.
    """
    program = shutil.which(INSTALLED) or shutil.which("prism")
    # An installed prism may have been copied to a machine without Node.
    if program is None or shutil.which("node") is None:
        pytest.skip(f"There is no prism; {INSTALL}")
    port = free_port()
    command = [program, "mock", "--host", "127.0.0.1", "--port", str(port)]
    with subprocess.Popen(
        [*command, str(PAYLOADS / description)], stdout=subprocess.PIPE, text=True
    ) as run:
        try:
            assert run.stdout is not None
            assert any("listening" in line for line in run.stdout)
            yield f"http://127.0.0.1:{port}"
        finally:
            run.terminate()
