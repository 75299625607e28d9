"""The upper limit that workers are compared with: requests in a few threads, one file for each.

Each thread has a `requests.Session` that stays open, follows redirects and streams the body into
the file. There is no queue, no database, no check and no hash, and nothing survives a crash. With
`--durable` each body is hashed and its file synced: the limit for verifiable, durable files.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import requests

BLOCK_BYTES = 512 * 1024


def fetch_all(
    urls: list[str], folder: Path, credentials: tuple[str, str], *, durable: bool
) -> None:
    """Write the body of each URL into a file in the folder, over one session."""
    with requests.Session() as session:
        for url in urls:
            with session.get(url, auth=credentials, stream=True, timeout=20) as response:
                response.raise_for_status()
                with (folder / url.rpartition("/")[2]).open("wb") as file:
                    digest = hashlib.sha256()
                    for block in response.iter_content(BLOCK_BYTES):
                        file.write(block)
                        if durable:
                            digest.update(block)
                    if durable:
                        file.flush()
                        os.fsync(file.fileno())


def main() -> None:
    """Fetch the URLs from standard input; print the elapsed and the CPU seconds as JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("threads", type=int)
    parser.add_argument("username")
    parser.add_argument("password")
    parser.add_argument("--durable", action="store_true")
    options = parser.parse_args()
    urls = sys.stdin.read().split()
    credentials = (options.username, options.password)
    began, worked = time.perf_counter(), time.process_time()
    with ThreadPoolExecutor(options.threads) as pool:
        shares = [urls[first :: options.threads] for first in range(options.threads)]
        for share in [
            pool.submit(fetch_all, share, options.folder, credentials, durable=options.durable)
            for share in shares
        ]:
            share.result()
    figures = {"s": time.perf_counter() - began, "cpu_s": time.process_time() - worked}
    sys.stdout.write(json.dumps(figures))


if __name__ == "__main__":
    main()
