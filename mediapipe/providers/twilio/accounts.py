import json
import re
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.core.signals import setting_changed
from django.dispatch import receiver

from mediapipe.providers.base import Credentials, PostStorePolicy

ACCOUNT_SID = re.compile(r"AC[0-9a-fA-F]{32}")
ENTRY_KEYS = ("account_sid", "name", "auth_tokens", "api_key", "api_secret", "after_storing")


@dataclass(frozen=True, slots=True)
class Account:
    """One account or sub-account; it has several tokens while one is being rotated."""

    sid: str
    auth_tokens: tuple[str, ...] = field(default=(), repr=False)
    api_key: str = ""
    api_secret: str = field(default="", repr=False)
    after_storing: PostStorePolicy = PostStorePolicy.KEEP
    name: str = ""

    def credentials(self) -> tuple[Credentials, ...]:
        """Return the credentials for this account's media, the API key before the tokens."""
        pairs = [(self.api_key, self.api_secret)] if self.api_key else []
        pairs += [(self.sid, token) for token in self.auth_tokens]
        return tuple(Credentials(username, password) for username, password in pairs)


@cache
def accounts() -> dict[str, Account]:
    """Return every configured account by its SID.

    Raises ImproperlyConfigured, which names the setting or file and never a secret.
    """
    found: dict[str, Account] = {}
    for account in [*_from_environment(), *_from_file()]:
        if account.sid in found:
            raise ImproperlyConfigured(f"The Twilio account {account.sid} is configured twice.")
        found[account.sid] = account
    return found


def account_sids() -> list[str]:
    """Return the SIDs of all configured accounts; raise ImproperlyConfigured."""
    return list(accounts())


def account_name(account_sid: str) -> str:
    """Return the name of an account in TWILIO_ACCOUNTS_FILE, or ""; raise ImproperlyConfigured."""
    account = accounts().get(account_sid)
    return account.name if account else ""


def post_store_policy(account_sid: str) -> PostStorePolicy:
    """Return what to do with Twilio's copy of stored media; raise ImproperlyConfigured."""
    account = accounts().get(account_sid)
    return account.after_storing if account else PostStorePolicy.KEEP


@receiver(setting_changed)
def _clear_cache(*, setting: str, **kwargs: Any) -> None:
    # Only tests change settings while the program runs.
    if setting.startswith("TWILIO_"):
        accounts.cache_clear()


def _from_environment() -> list[Account]:
    tokens = [token.strip() for token in settings.TWILIO_AUTH_TOKEN.split(",") if token.strip()]
    key, secret = settings.TWILIO_API_KEY, settings.TWILIO_API_SECRET
    sid = settings.TWILIO_ACCOUNT_SID
    if not (sid or tokens or key or secret):
        return []
    where = "TWILIO_ACCOUNT_SID, _AUTH_TOKEN, _API_KEY"
    account = _account(where, sid, tokens, key, secret)
    policy = _policy("TWILIO_AFTER_STORING", settings.TWILIO_AFTER_STORING)
    return [replace(account, after_storing=policy)]


def _from_file() -> list[Account]:
    path = settings.TWILIO_ACCOUNTS_FILE
    if not path:
        return []
    where = f"TWILIO_ACCOUNTS_FILE ({path})"
    entries = json_list(where, path)
    return [_from_entry(f"{where}, entry {n}", entry) for n, entry in enumerate(entries, start=1)]


def json_list(where: str, path: str) -> list[object]:
    """Return the list in a JSON file; raise ImproperlyConfigured with `where` in its message."""
    # `from None`, because a decoding error contains the whole document, tokens included.
    try:
        entries = json.loads(Path(path).read_text("utf-8-sig"))
    except OSError as exc:
        raise ImproperlyConfigured(f"{where} cannot be read: {exc.strerror}.") from None
    except json.JSONDecodeError as exc:
        problem = f"{exc.msg} in line {exc.lineno}"
        raise ImproperlyConfigured(f"{where} is not JSON: {problem}.") from None
    except UnicodeDecodeError:
        raise ImproperlyConfigured(f"{where} is not UTF-8.") from None
    if not isinstance(entries, list):
        raise ImproperlyConfigured(f"{where} must hold a list of objects.")
    return entries


def _from_entry(where: str, entry: object) -> Account:
    # An unknown key is not quoted: it may be a token in the wrong place.
    if not isinstance(entry, dict) or not entry.keys() <= set(ENTRY_KEYS):
        raise ImproperlyConfigured(
            f"{where} must be an object with no keys but {', '.join(ENTRY_KEYS)}."
        )
    sid, key, secret = (entry.get(name) or "" for name in ("account_sid", "api_key", "api_secret"))
    tokens = entry.get("auth_tokens") or []
    if not isinstance(tokens, list):
        raise ImproperlyConfigured(f"{where}: auth_tokens must be a list of strings.")
    name = entry.get("name") or ""
    if not all(isinstance(text, str) for text in (sid, name, key, secret, *tokens)):
        raise ImproperlyConfigured(f"{where}: every value must be a string.")
    account = _account(where, sid, tokens, key, secret)
    policy = _policy(f"{where}, after_storing", entry.get("after_storing") or "")
    return replace(account, after_storing=policy, name=name)


def _policy(where: str, text: object) -> PostStorePolicy:
    # Only the exact words: a misspelt one must neither delete nor count as a dry run.
    try:
        return PostStorePolicy(str(text or PostStorePolicy.KEEP))
    except ValueError:
        raise ImproperlyConfigured(f"{where} must be {', '.join(PostStorePolicy)}.") from None


def _account(where: str, sid: str, tokens: list[str], key: str, secret: str) -> Account:
    if not ACCOUNT_SID.fullmatch(sid):
        raise ImproperlyConfigured(f"{where}: the account SID must be AC and 32 hex digits.")
    if bool(key) != bool(secret):
        raise ImproperlyConfigured(f"{where}: an API key and its secret go together.")
    # A pasted quotation mark or line end would only be noticed much later, as a 403 or 401.
    if not all(re.fullmatch(r"[!-~]*", text) for text in (key, secret, *tokens)):
        raise ImproperlyConfigured(f"{where}: a token or key has a blank or non-ASCII character.")
    if "" in tokens:
        raise ImproperlyConfigured(f"{where}: a token is empty.")
    return Account(sid, tuple(tokens), key, secret)
