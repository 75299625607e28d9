"""An S3 server in pure Python, in its own process."""

from __future__ import annotations

import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.support.servers import free_port

START_S = 60.0


@contextmanager
def running(log: Path) -> Iterator[str]:
    """Yield the origin of an empty S3 server, which is killed after the block."""
    port = free_port()
    with log.open("wb") as output:
        command = [sys.executable, "-m", "moto.server", "--host", "127.0.0.1", "--port", str(port)]
        process = subprocess.Popen(command, stdout=output, stderr=output)
    try:
        wait_until_it_answers(f"http://127.0.0.1:{port}")
        yield f"http://127.0.0.1:{port}"
    finally:
        process.kill()
        process.wait()


def wait_until_it_answers(origin: str) -> None:
    deadline = time.monotonic() + START_S
    while True:
        try:
            urllib.request.urlopen(origin, timeout=60).close()  # noqa: S310  (our own)
            return
        except OSError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.1)
