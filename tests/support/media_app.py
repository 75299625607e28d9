"""An app that fetches the media of each message at once, as chatwoot's webhook job does."""

from __future__ import annotations

import contextlib
import threading
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qsl

import requests
from twilio.request_validator import RequestValidator

from mediapipe.simulator.script import AUTH_TOKEN

# After these seconds it tries again, and then it gives the file up.
RETRIES_S = (1.0, 3.0)
THREADS = 64


@dataclass
class MediaApp:
    """What the app saw: the messages it took, and the statuses of its requests for media."""

    url: str = ""
    messages: Counter[str] = field(default_factory=Counter)
    refused: int = 0
    fetched: int = 0
    lost: int = 0
    not_found: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def take(self, body: str, signature: str) -> dict[str, str]:
        """Return the parameters of a message, None if Twilio's own validator refuses it."""
        form = dict(parse_qsl(body, keep_blank_values=True))
        with self._lock:
            if RequestValidator(AUTH_TOKEN).validate(self.url, form, signature):
                self.messages[form["MessageSid"]] += 1
                return form
            self.refused += 1
        return {}

    def fetch(self, url: str, account_sid: str) -> None:
        """Fetch a file, and give it up after the last retry."""
        for wait_s in (*RETRIES_S, None):
            response = requests.get(url, auth=(account_sid, AUTH_TOKEN), timeout=30)
            with self._lock:
                self.not_found += response.status_code == 404
                self.fetched += response.status_code == 200
                self.lost += response.status_code != 200 and wait_s is None
            if response.status_code == 200 or wait_s is None:
                return
            time.sleep(wait_s)

    @property
    def media(self) -> int:
        """How many files it has fetched or given up."""
        return self.fetched + self.lost


class _Server(ThreadingHTTPServer):
    # Twenty connections a second; the default lets five wait.
    request_queue_size = 256
    daemon_threads = True


@contextlib.contextmanager
def media_app() -> Iterator[MediaApp]:
    """Run the app on loopback."""
    app = MediaApp()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"])).decode()
            form = app.take(body, self.headers.get("X-Twilio-Signature", ""))
            self.send_response(204 if form else 403)
            self.end_headers()
            for number in range(int(form.get("NumMedia", 0))):
                jobs.submit(app.fetch, form[f"MediaUrl{number}"], form["AccountSid"])

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with ThreadPoolExecutor(THREADS) as jobs, _Server(("127.0.0.1", 0), Handler) as server:
        app.url = f"http://127.0.0.1:{server.server_address[1]}/twilio/callback"
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        try:
            yield app
        finally:
            server.shutdown()
            thread.join()
