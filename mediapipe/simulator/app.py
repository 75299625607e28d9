"""An app at a Twilio number that fetches the media of each message at once, as chatwoot does."""

import contextlib
import threading
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qsl, urlsplit

import requests
from twilio.request_validator import RequestValidator

from mediapipe.simulator.script import ACCOUNT_SID, AUTH_TOKEN

# chatwoot's MediaDownloadService waits this long after each 404, then continues without the file.
RETRIES_S = (1.0, 3.0)
THREADS = 64
PATH = "/twilio/callback"


@dataclass
class MediaApp:
    """What the app saw: the messages by SID, and the outcomes of its requests for media.

    A message that arrives again, as when Twilio retries, is counted but not processed.
    """

    url: str = ""
    messages: Counter[str] = field(default_factory=Counter)
    refused: int = 0
    fetched: int = 0
    lost: int = 0
    early_404s: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def ended(self) -> int:
        """How many files it has fetched or given up."""
        return self.fetched + self.lost

    def accept(self, query: str, body: str, signature: str) -> list[str] | None:
        """Return the media URLs of a message, [] if repeated; None if the signature is wrong."""
        url = f"{self.url}?{query}" if query else self.url
        signed, sent = (dict(parse_qsl(each, keep_blank_values=True)) for each in (body, query))
        with self._lock:
            if not RequestValidator(AUTH_TOKEN).validate(url, signed, signature):
                self.refused += 1
                return None
            form = signed or sent
            self.messages[form["MessageSid"]] += 1
            is_new = self.messages[form["MessageSid"]] == 1
        return [form[f"MediaUrl{number}"] for number in range(int(form["NumMedia"])) if is_new]

    def fetch(self, url: str) -> None:
        """Fetch a file; give it up after the last retry."""
        for wait_s in (0.0, *RETRIES_S):
            time.sleep(wait_s)
            status = _status_of(url)
            with self._lock:
                self.early_404s += status == HTTPStatus.NOT_FOUND
                self.fetched += status == HTTPStatus.OK
            if status != HTTPStatus.NOT_FOUND:
                break
        with self._lock:
            self.lost += status != HTTPStatus.OK


def _status_of(url: str) -> int:
    try:
        return requests.get(url, auth=(ACCOUNT_SID, AUTH_TOKEN), timeout=30).status_code
    except requests.RequestException:
        return 0


class _Server(ThreadingHTTPServer):
    # Enough for twenty connections per second; the default backlog is 5.
    request_queue_size = 256
    daemon_threads = True


@contextlib.contextmanager
def media_app() -> Iterator[MediaApp]:
    """Run the app at a free port on loopback; on exit, wait for the downloads in progress."""
    app = MediaApp()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.do_POST()

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0)).decode()
            signature = self.headers.get("X-Twilio-Signature", "")
            media = app.accept(urlsplit(self.path).query, body, signature)
            # Before the response: whoever has it may end the app, which then waits for these.
            for url in media or ():
                jobs.submit(app.fetch, url)
            self.send_response(HTTPStatus.FORBIDDEN if media is None else HTTPStatus.NO_CONTENT)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Keep stderr quiet."""

    with ThreadPoolExecutor(THREADS) as jobs, _Server(("127.0.0.1", 0), Handler) as server:
        app.url = f"http://127.0.0.1:{server.server_address[1]}{PATH}"
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        try:
            yield app
        finally:
            server.shutdown()
            thread.join()
