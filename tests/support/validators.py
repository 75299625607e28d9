"""Apps on real sockets that check Twilio's signature and respond with 200 or 403.

Each builds the URL from Host and X-Forwarded-Proto; the rest is what real apps use, unmodified.
"""

from __future__ import annotations

import contextlib
import hmac
import shutil
import subprocess
from base64 import b64encode
from collections.abc import Callable, Iterator
from hashlib import sha1
from pathlib import Path
from urllib.parse import parse_qs, parse_qsl

import pytest
from django.utils.datastructures import MultiValueDict
from twilio.request_validator import RequestValidator

from tests.support import make
from tests.support.apps import ReceivedRequest, Reply, app

ROOT = Path(__file__).resolve().parent.parent.parent
# git ignores this folder.
FOLDER = ROOT / "var/twilio-node"
INSTALL = "npm install --ignore-scripts --prefix var/twilio-node twilio@6.3.1"
Check = Callable[[ReceivedRequest], bool]


def url_of(got: ReceivedRequest) -> str:
    scheme = got.headers.get("x-forwarded-proto", "http")
    return f"{scheme}://{got.headers['host']}{got.target}"


def by_twilio(got: ReceivedRequest) -> bool:
    """Check with Twilio's package, passing all values of a name as Flask does."""
    values = MultiValueDict(parse_qs(got.body.decode(), keep_blank_values=True))
    validator = RequestValidator(make.TOKEN)
    return bool(validator.validate(url_of(got), values, got.headers["x-twilio-signature"]))


def by_django(got: ReceivedRequest) -> bool:
    """Check in a Django view with build_absolute_uri(), as django-twilio's decorator does."""
    request = got.django_request()
    url, signature = request.build_absolute_uri(), request.headers["X-Twilio-Signature"]
    return bool(RequestValidator(make.TOKEN).validate(url, request.POST, signature))


def by_hand(got: ReceivedRequest) -> bool:
    """Check as courier and others do: sorted names, each followed by its distinct values."""
    pairs = sorted(set(parse_qsl(got.body.decode(), keep_blank_values=True)))
    text = url_of(got) + "".join(name + value for name, value in pairs)
    digest = hmac.new(make.TOKEN.encode(), text.encode(), sha1).digest()
    return b64encode(digest).decode() == got.headers["x-twilio-signature"]


@contextlib.contextmanager
def python_app(check: Check) -> Iterator[str]:
    """Yield the origin of an app in this process."""
    with app(lambda got: Reply(200 if check(got) else 403, b"")) as running:
        yield running.origin


@contextlib.contextmanager
def node_app() -> Iterator[str]:
    """Yield the origin of an app that uses Twilio's package for Node; skip if it is missing."""
    program = shutil.which("node")
    if program is None or not FOLDER.exists():
        pytest.skip(f"There is no package of Twilio's for Node; {INSTALL}")
    command = [program, str(ROOT / "tests/support/twilio_validator.js"), str(FOLDER), make.TOKEN]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as run:
        try:
            assert run.stdout is not None
            yield f"http://127.0.0.1:{run.stdout.readline().strip()}"
        finally:
            run.terminate()
