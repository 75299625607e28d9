import math
import re
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from django.core.exceptions import ImproperlyConfigured
from environ import Env

T = TypeVar("T")

UNITS_S = {"": 1, "s": 1, "m": 60, "h": 3600, "d": 86400}
# A hundred years; date arithmetic overflows far beyond that.
MAX_DAYS = 36_500


def text(env: Env, name: str, default: str = "") -> str:
    """Return the value, stripped; an empty one means the default: Compose passes empty values."""
    # Not Env.str: it treats a value that begins with $ as the name of another variable.
    return str(env.ENVIRON.get(name, "")).strip() or default


def listed(env: Env, name: str) -> list[str]:
    """Return the items of a comma-separated list, stripped."""
    return [item.strip() for item in text(env, name).split(",") if item.strip()]


def boolean(env: Env, name: str, *, default: bool) -> bool:
    """Return true or false; any other word is an error, not false."""
    return to_boolean(name, text(env, name, str(default)))


def to_boolean(name: str, value: str) -> bool:
    """Return whether the word means true; raise ImproperlyConfigured for an unknown word."""
    if value.lower() in {"1", "true", "yes", "on"}:
        return True
    if value.lower() in {"0", "false", "no", "off"}:
        return False
    raise ImproperlyConfigured(f"{name} must be true or false, for example {name}=true.")


def whole_number(env: Env, name: str, *, default: int, least: int = 1) -> int:
    """Return an integer of at least `least`."""
    value = text(env, name, str(default))
    if not re.fullmatch("[0-9]{1,15}", value) or int(value) < least:
        raise ImproperlyConfigured(
            f"{name} must be a whole number of at least {least}, for example {name}={default}."
        )
    return int(value)


def days(env: Env, name: str, *, default: int) -> int:
    """Return a number of days; 0 turns the feature off."""
    value = whole_number(env, name, default=default, least=0)
    if value > MAX_DAYS:
        raise ImproperlyConfigured(
            f"{name} must not be over {MAX_DAYS} days, for example {name}=90."
        )
    return value


def factor(env: Env, name: str, *, default: str) -> float:
    """Return a growth factor from 1 to 10."""
    value = text(env, name, default)
    if not re.fullmatch(r"[0-9]{1,2}(\.[0-9]{1,6})?", value) or not 1 <= float(value) <= 10:
        raise ImproperlyConfigured(
            f"{name} must be a number from 1 to 10, for example {name}={default}."
        )
    return float(value)


def duration_s(text: str) -> float:
    """Return the seconds of "90", "1.5s", "10m", "3h" or "2d".

    Raise ValueError for anything else, and for more than MAX_DAYS.
    """
    match = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*([smhd]?)\s*", text)
    value_s = float(match[1]) * UNITS_S[match[2]] if match else math.inf
    # A longer one cannot be added to a time: that would be an OverflowError at each attempt.
    if value_s > MAX_DAYS * UNITS_S["d"]:
        raise ValueError(text)
    return value_s


def seconds(env: Env, name: str, *, default: str) -> float:
    """Return one duration in seconds."""
    (value,) = _durations(name, [text(env, name, default)])
    return value


def seconds_list(env: Env, name: str, *, default: str) -> tuple[float, ...]:
    """Return comma-separated durations in seconds; an empty value is an empty list."""
    if name not in env.ENVIRON:
        return tuple(_durations(name, default.split(",")))
    return tuple(_durations(name, listed(env, name)))


def _durations(name: str, parts: list[str]) -> list[float]:
    try:
        return [duration_s(part) for part in parts]
    except ValueError as error:
        raise ImproperlyConfigured(
            f"{name} has {error.args[0]!r}, which is not a duration; "
            f"write 90, 1.5s, 10m, 3h or 2d, at most {MAX_DAYS}d."
        ) from None


def parsed(env: Env, name: str, parse: Callable[[str], T], *, example: str) -> list[T]:
    """Return comma-separated items, each parsed by `parse`, which may raise ValueError."""
    try:
        return [parse(item) for item in listed(env, name)]
    except ValueError as error:
        raise ImproperlyConfigured(f"{name}: {error}. For example {name}={example}") from None


def folder(env: Env, name: str, default: Path) -> Path:
    """Return the path of a folder, creating it if necessary."""
    path = Path(text(env, name, str(default))).resolve()
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ImproperlyConfigured(
            f"{name} names {path}, which cannot be created: {error.strerror}; "
            f"write for example {name}=/var/lib/mediapipe."
        ) from None
    return path


def base_url(env: Env, name: str, default: str = "") -> str:
    """Return an http or https URL without its trailing slash, or the default."""
    url = text(env, name, default).rstrip("/")
    if url and not _is_http(url):
        # The value is not shown: it may contain a password.
        raise ImproperlyConfigured(
            f"{name} is not an http or https URL; write for example "
            f"{name}={default or 'https://media.example.com'}."
        )
    return url


def _is_http(url: str) -> bool:
    try:
        parts = urlsplit(url)
        return parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
    except ValueError:
        return False


def time_zone(env: Env, name: str) -> str:
    """Return the name of a time zone, UTC by default."""
    zone = text(env, name, "UTC")
    try:
        return ZoneInfo(zone).key
    except (KeyError, ValueError, OSError):
        raise ImproperlyConfigured(
            f"{name} is not a time zone; write for example {name}=Europe/Berlin."
        ) from None
