"""Runs each case of the catalogue of bad input through all the code that it would reach."""

from __future__ import annotations

import ipaddress
import time
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from pytest_django import Settings

from mediapipe.fetching.attempt import attempt
from mediapipe.fetching.http.session import close_session
from mediapipe.models import MediaItem, Rejection, WebhookEvent
from mediapipe.simulator import Simulator, payloads
from mediapipe.simulator.faults import Fault, RawAnswer, RedirectTo
from mediapipe.simulator.script import MediaScript
from tests.support import make
from tests.support.bad_input import (
    answers,
    contents,
    conversations,
    files,
    outgoing,
    signatures,
    urls,
)
from tests.support.bad_input.cases import (
    CONVERSATIONS,
    BadAnswer,
    BadFile,
    BadRequest,
    BadUrl,
    changed,
    signed,
)
from tests.support.bad_input.outgoing import Outgoing
from tests.support.bad_input.requests import send
from tests.support.payloads import twilio as captured
from tests.support.raw_server import RawServer, answer, serve

pytestmark = pytest.mark.django_db

# Time limits: of an attempt that must time out, and of any other, also on a busy machine.
SHORT_S = 0.4
GRACE_S = 20.0


@pytest.fixture
def traffic() -> Iterator[Outgoing]:
    """Record every look-up and connection that a case causes."""
    with outgoing.recorded() as recorded:
        yield recorded


@pytest.fixture
def canary() -> Iterator[RawServer]:
    """Listen at an address to which nothing may connect."""
    with serve() as server:
        yield server
    assert server.connections == 0


@pytest.fixture
def bounds(settings: Settings) -> Iterator[None]:
    """Limit the size of the media, and let no test share connections with another."""
    settings.MEDIA_MAX_BYTES = 1_000_000
    close_session()
    yield
    close_session()


def apply(changes: Mapping[str, Any], settings: Settings) -> None:
    for name, value in changes.items():
        setattr(settings, name, value)


def files_of(settings: Settings) -> list[Path]:
    """Return every stored or unfinished file."""
    return [path for path in Path(settings.MEDIA_ROOT).rglob("*") if path.is_file()]


@pytest.mark.database
@pytest.mark.parametrize(
    "case",
    [*signatures.CASES, *contents.CASES, *conversations.CASES],
    ids=lambda case: case.name,
)
def test_a_bad_request_gets_the_expected_status_and_leaves_only_the_expected_rows(
    case: BadRequest, traffic: Outgoing, published: list[int], settings: Settings
) -> None:
    apply(case.settings, settings)
    for request in (case.request, *case.again):
        assert send(request).status_code == case.status
    media = MediaItem.objects.order_by("pk")
    assert [item.error or item.status for item in media] == [*case.media]
    refused = dict(Rejection.objects.values_list("reason", "count"))
    assert refused == ({case.reason: 1} if case.reason else {})
    repeats = [event.repeats for event in WebhookEvent.objects.all()]
    assert repeats == ([len(case.again)] if case.status == 200 else [])
    assert set(published) == set(media.queued().values_list("pk", flat=True))
    assert files_of(settings) == []
    assert traffic == Outgoing()


def attempt_now(item: MediaItem) -> str:
    """Make the item due, make one attempt, and return its outcome."""
    MediaItem.objects.filter(pk=item.pk).update(next_attempt_at=item.received_at)
    claimed = MediaItem.claim(item.pk)
    assert claimed is not None
    try:
        outcome = attempt(claimed, countdown_allowed=lambda: True)
    finally:
        item.refresh_from_db()
    return outcome.failure.slug if outcome.failure else "stored"


@pytest.mark.database
@pytest.mark.usefixtures("bounds", "published")
@pytest.mark.parametrize("case", urls.CASES, ids=lambda case: case.name)
def test_a_bad_media_url_is_refused_on_receipt_and_again_on_retry(
    case: BadUrl, traffic: Outgoing, canary: RawServer, settings: Settings
) -> None:
    url = case.url.replace(urls.CANARY, canary.address)
    assert send(signed(changed(MediaUrl0=url))).status_code == 200
    item = MediaItem.objects.get()
    assert (item.status, item.error, item.attempts) == ("failed", "address_refused", 0)
    # A user may retry a failed item; the URL in the row is trusted no more than in the webhook.
    assert MediaItem.objects.retry() == [item.pk]
    assert attempt_now(item) == "address_refused"
    assert item.status == "failed"
    assert files_of(settings) == []
    assert traffic == Outgoing()


@pytest.mark.usefixtures("bounds", "published")
@pytest.mark.parametrize("host", [*urls.FORBIDDEN_HOSTS, *urls.FORBIDDEN_IPV6])
def test_no_connection_is_made_to_an_api_origin_in_a_private_network(
    host: str, traffic: Outgoing, canary: RawServer, settings: Settings
) -> None:
    origin = f"http://{host}:{canary.port}"
    settings.TWILIO_API_HOSTS = [origin]
    url = captured.MEDIA_URLS[0].replace(captured.API, origin)
    assert send(signed(changed(MediaUrl0=url))).status_code == 200
    item = MediaItem.objects.get()
    assert attempt_now(item) == "address_refused"
    assert traffic.connections == []


@pytest.mark.usefixtures("bounds", "published")
@pytest.mark.parametrize("host", urls.FORBIDDEN_HOSTS)
def test_no_connection_is_made_to_a_redirect_host_in_a_private_network(
    host: str, twilio: Simulator, traffic: Outgoing, settings: Settings
) -> None:
    # The host is an allowed redirect target, so only the check of its address protects it.
    settings.MEDIA_ALLOWED_NETWORKS = [ipaddress.ip_network("127.0.0.9/32")]
    settings.MEDIA_REDIRECT_HOSTS = [host]
    with Simulator(accounts={make.ACCOUNT: make.TOKEN}, api=("127.0.0.9", 0)) as origin:
        settings.TWILIO_API_HOSTS = [origin.api_origin]
        item = announced(origin, [RedirectTo(f"http://{host}:8080/x")])
        assert attempt_now(item) == "address_refused"
    assert set(traffic.connections) == {urlsplit(origin.api_origin).netloc}


def attempt_expecting(item: MediaItem, expected: str, settings: Settings) -> str:
    """Make one attempt, with short time-outs only if a time-out is expected."""
    # On a busy machine a short time-out could end any attempt.
    settings.MEDIA_CONNECT_TIMEOUT_S = settings.MEDIA_READ_TIMEOUT_S = SHORT_S
    settings.MEDIA_TOTAL_TIMEOUT_S = 2 * SHORT_S
    if expected != "too_slow":
        settings.MEDIA_CONNECT_TIMEOUT_S = settings.MEDIA_READ_TIMEOUT_S = GRACE_S
        settings.MEDIA_TOTAL_TIMEOUT_S = GRACE_S
    return attempt_now(item)


def announced(twilio: Simulator, faults: list[Fault], **options: Any) -> MediaItem:
    """Send the webhook of a new picture at the simulated API; return its item."""
    script = MediaScript(
        sid=make.sid("ME"),
        parent_sid=captured.MMS_SID,
        account_sid=make.ACCOUNT,
        faults=faults,
        **options,
    )
    twilio.state.register(script)
    pairs = changed(MediaUrl0=script.url, MediaContentType0=script.content_type)
    assert send(signed(pairs)).status_code == 200
    return MediaItem.objects.get()


def script_of(item: MediaItem, twilio: Simulator) -> MediaScript:
    script = twilio.state.find(item.identity)
    assert script is not None
    return script


@pytest.mark.usefixtures("bounds", "published")
@pytest.mark.parametrize("case", answers.CASES, ids=lambda case: case.name)
def test_each_bad_response_leads_to_the_expected_outcomes_and_status(
    case: BadAnswer, twilio: Simulator, traffic: Outgoing, canary: RawServer, settings: Settings
) -> None:
    apply(case.settings, settings)
    item = announced(twilio, [with_canary_address(fault, canary.address) for fault in case.faults])
    began = time.monotonic()
    assert [attempt_expecting(item, one, settings) for one in case.outcomes] == [*case.outcomes]
    assert time.monotonic() - began < GRACE_S
    assert item.status == case.status
    assert [row.outcome for row in item.attempt_set.all()] == [*case.outcomes]
    stored = [path.read_bytes() for path in files_of(settings)]
    assert stored == ([script_of(item, twilio).body] if case.status == "stored" else [])
    assert_only_simulator_contacted(twilio, traffic)
    if case.asked:
        assert tuple(len(twilio.log.of(item.identity, at)) for at in ("api", "cdn")) == case.asked


def announced_in_a_conversation(twilio: Simulator, faults: list[Fault]) -> MediaItem:
    """Send the webhook of a new picture in a conversation; return its item."""
    webhook = payloads.conversation(1, account_sid=make.ACCOUNT, faults=faults)
    twilio.state.register(webhook.media[0])
    assert send(signed(webhook.parameters, url=CONVERSATIONS)).status_code == 200
    return MediaItem.objects.get()


@pytest.mark.usefixtures("bounds", "published")
@pytest.mark.parametrize("case", conversations.ANSWERS, ids=lambda case: case.name)
def test_bad_metadata_and_bad_links_lead_to_the_expected_outcomes_and_status(
    case: BadAnswer, twilio: Simulator, traffic: Outgoing, canary: RawServer, settings: Settings
) -> None:
    item = announced_in_a_conversation(
        twilio, [with_canary_address(one, canary.address) for one in case.faults]
    )
    began = time.monotonic()
    assert [attempt_expecting(item, one, settings) for one in case.outcomes] == [*case.outcomes]
    assert time.monotonic() - began < GRACE_S
    assert item.status == case.status
    assert files_of(settings) == []
    assert_only_simulator_contacted(twilio, traffic)
    if case.asked:
        assert tuple(len(twilio.log.of(item.identity, at)) for at in ("api", "cdn")) == case.asked


def with_canary_address(fault: Fault, canary: str) -> Fault:
    """Return the fault with the canary's address in place of CANARY."""
    if isinstance(fault, RedirectTo) and fault.location:
        return replace(fault, location=fault.location.replace("CANARY", canary))
    if isinstance(fault, RawAnswer):
        return replace(fault, text=fault.text.replace("CANARY", canary))
    return fault


def assert_only_simulator_contacted(twilio: Simulator, traffic: Outgoing) -> None:
    """Assert that only the simulator got connections, and that its CDN got no credentials."""
    origins = {urlsplit(url).netloc for url in (twilio.api_origin, twilio.cdn_origin)}
    assert set(traffic.connections) <= origins
    assert {*traffic.lookups} <= {origin.partition(":")[0] for origin in origins}
    assert twilio.log.credentials_at_cdn() == []


@pytest.mark.usefixtures("bounds", "published")
@pytest.mark.parametrize("case", files.CASES, ids=lambda case: case.name)
def test_a_bad_file_is_refused_or_stored_under_a_harmless_name(
    case: BadFile, twilio: Simulator, traffic: Outgoing, settings: Settings
) -> None:
    named = {"Content_Disposition": case.disposition} if case.disposition else {}
    response = answer(200, case.body, Content_Type=case.declared, **named).decode("latin-1")
    item = announced(twilio, [RawAnswer(response)], content_type=case.declared)
    assert attempt_now(item) == case.outcome
    stored = files_of(settings)
    assert [path.read_bytes() for path in stored] == [case.body] * (case.outcome == "stored")
    assert_only_simulator_contacted(twilio, traffic)
    if case.content_type:
        assert (item.content_type, stored[0].name) == (
            case.content_type,
            f"{item.identity}{case.extension}",
        )
    elif stored:
        assert stored[0].suffix != case.extension.removeprefix("never ")


def test_the_catalogue_has_at_least_300_distinct_cases() -> None:
    cases: list[Any] = [
        *signatures.CASES,
        *contents.CASES,
        *urls.CASES,
        *answers.CASES,
        *files.CASES,
        *conversations.CASES,
    ]
    assert len({case.name for case in cases}) == len(cases)
    assert len({case.input for case in cases}) == len(cases) >= 300
