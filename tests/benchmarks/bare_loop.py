"""The limit a worker is compared with: requests in a few threads, and a file written for each.

Each thread has a `requests.Session` that stays open, follows redirects and takes the body as it
comes. There is no queue, no database, no check, no hash, and nothing is safe from a crash.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import requests

BLOCK_BYTES = 512 * 1024


def fetch_all(urls: list[str], folder: Path, credentials: tuple[str, str]) -> None:
    """Write the body of each URL into a file of the folder, over one session."""
    with requests.Session() as session:
        for url in urls:
            with session.get(url, auth=credentials, stream=True, timeout=20) as response:
                response.raise_for_status()
                with (folder / url.rpartition("/")[2]).open("wb") as file:
                    for block in response.iter_content(BLOCK_BYTES):
                        file.write(block)


def main() -> None:
    """Fetch the URLs of standard input; print the seconds, and those of the processor, as JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("threads", type=int)
    parser.add_argument("username")
    parser.add_argument("password")
    options = parser.parse_args()
    urls = sys.stdin.read().split()
    credentials = (options.username, options.password)
    began, worked = time.perf_counter(), time.process_time()
    with ThreadPoolExecutor(options.threads) as pool:
        shares = [urls[first :: options.threads] for first in range(options.threads)]
        for share in [
            pool.submit(fetch_all, share, options.folder, credentials) for share in shares
        ]:
            share.result()
    figures = {"s": time.perf_counter() - began, "cpu_s": time.process_time() - worked}
    sys.stdout.write(json.dumps(figures))


if __name__ == "__main__":
    main()
