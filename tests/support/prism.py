"""A mock server of Twilio's API from Twilio's own OpenAPI description, excerpts of which are in
payloads/. It answers 422 to what the description does not allow, and 401 without credentials.
"""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from mediapipe.management.demo.run import free_port

ROOT = Path(__file__).resolve().parent.parent.parent
PAYLOADS = Path(__file__).parent / "payloads"
# The last version that runs on Node 20; the folder is one that git ignores.
INSTALL = "npm install --prefix var/prism @stoplight/prism-cli@5.14.2"
INSTALLED = ROOT / "var/prism/node_modules/.bin/prism"


@contextmanager
def prism(description: str) -> Iterator[str]:
    """Yield the origin of a mock server of the description in this file of payloads/.

    Not with --errors: the addresses of pages in Twilio's own examples are not of its own format.
    """
    program = shutil.which(INSTALLED) or shutil.which("prism")
    # A checkout may come with it to a machine without Node, such as a minimal Debian.
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
