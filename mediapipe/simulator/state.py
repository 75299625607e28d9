import base64
import hashlib
import hmac
import secrets
import threading
import time
from urllib.parse import parse_qs, urlencode

from mediapipe.simulator.faults import Fault
from mediapipe.simulator.log import RequestLog
from mediapipe.simulator.numbers import (
    ChannelSender,
    ConversationsWebhook,
    MessagingService,
    PhoneNumber,
    TwimlApplication,
)
from mediapipe.simulator.script import MediaScript

# "The signed URL lives 4 h" (Twilio: support article 223183748).
LINK_LIFETIME_S = 4 * 3600


class State:
    """What both origins share: accounts, media, signed links, the log. Thread-safe."""

    def __init__(
        self, accounts: dict[str, str], api_keys: dict[str, tuple[str, str]], log: RequestLog
    ) -> None:
        """`accounts`: SID to auth token; `api_keys`: SK... to (secret, account SID)."""
        self.accounts = accounts
        self.api_keys = api_keys
        self.log = log
        self.api_origin = ""
        self.cdn_origin = ""
        self.list_faults: list[Fault] = []
        # What is configured at Twilio, possibly wrongly.
        self.numbers: list[PhoneNumber] = []
        self.applications: list[TwimlApplication] = []
        self.services: list[MessagingService] = []
        self.senders: list[ChannelSender] = []
        self.conversations: list[ConversationsWebhook] = []
        self.account_status: dict[str, str] = {}
        self.test_accounts: set[str] = set()
        self.clock_skew_s = 0.0
        # If true, media can be fetched without credentials, as in a new Twilio account.
        self.open_media = False
        self._key = secrets.token_bytes(32)
        self._lock = threading.Lock()
        self._by_sid: dict[str, MediaScript] = {}
        self._by_cdn_path: dict[str, MediaScript] = {}

    def register(self, script: MediaScript) -> MediaScript:
        """Register a media item under this API origin, and return it."""
        script.origin = self.api_origin
        with self._lock:
            self._by_sid[script.sid] = script
            self._by_cdn_path[script.cdn_path] = script
        return script

    def take_list_fault(self) -> Fault | None:
        """Return the next fault for a page of a list, and remove it."""
        with self._lock:
            return self.list_faults.pop(0) if self.list_faults else None

    def media(self) -> list[MediaScript]:
        with self._lock:
            return list(self._by_sid.values())

    def find(self, sid: str) -> MediaScript | None:
        return self._by_sid.get(sid)

    def at_cdn(self, path: str) -> MediaScript | None:
        return self._by_cdn_path.get(path)

    def account_of(self, username: str, password: str) -> str | None:
        """Return the account of these credentials (token or API key), or None if invalid."""
        if username in self.api_keys:
            secret, account_sid = self.api_keys[username]
        else:
            secret, account_sid = self.accounts.get(username, ""), username
        matches = bool(secret) and hmac.compare_digest(secret.encode(), password.encode())
        return account_sid if matches else None

    def link_to(self, script: MediaScript, *, hops: int = 0) -> str:
        """Return a fresh CDN link that redirects `hops` times before it serves the bytes."""
        expires = int(time.time()) + LINK_LIFETIME_S
        query = {
            "Expires": expires,
            "Signature": self._sign(script.cdn_path, str(expires)),
            "Key-Pair-Id": "KSIMULATED00000",
        }
        more = {"hops": hops} if hops else {}
        return f"{self.cdn_origin}{script.cdn_path}?{urlencode(query | more)}"

    def is_valid_link(self, path: str, query: str) -> bool:
        """Return whether this CDN link was signed here and has not expired."""
        values = {name: found[0] for name, found in parse_qs(query).items()}
        expires = values.get("Expires", "")
        signature = self._sign(path, expires)
        genuine = hmac.compare_digest(signature.encode(), values.get("Signature", "").encode())
        return genuine and time.time() < int(expires)

    def _sign(self, path: str, expires: str) -> str:
        digest = hmac.digest(self._key, f"{path}?{expires}".encode(), hashlib.sha256)
        return base64.urlsafe_b64encode(digest).decode()
