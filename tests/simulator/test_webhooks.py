import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from email.message import Message
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qsl

import pytest
import requests
from twilio.request_validator import RequestValidator

from mediapipe.simulator import Simulator, payloads
from mediapipe.simulator.script import ACCOUNT_SID, AUTH_TOKEN
from mediapipe.simulator.webhooks import NO_ANSWER, sign

PATH = "/webhooks/twilio/messaging/"


class Receiver(BaseHTTPRequestHandler):
    """Keeps every request and responds with 200, or the status in the path."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    received: list[tuple[str, Message, str]]

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0)).decode()
        self.received.append((self.path, self.headers, body))
        self.send_response(503 if "fail" in self.path else 200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def do_GET(self) -> None:
        self.do_POST()

    def log_message(self, format: str, *args: object) -> None:
        pass


class Listener(ThreadingHTTPServer):
    # Sixteen threads connect at once; the default queue of 5 would reset some of them.
    request_queue_size = 128
    daemon_threads = False


class Service:
    """A service that only records requests."""

    def __init__(self) -> None:
        self.received: list[tuple[str, Message, str]] = []
        handler = type("Handler", (Receiver,), {"received": self.received})
        self.server = Listener(("127.0.0.1", 0), handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.05,))
        self.thread.start()

    def stop(self) -> None:
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()

    def is_genuine(self, index: int = 0) -> bool:
        path, headers, body = self.received[index]
        parameters = dict(parse_qsl(body, keep_blank_values=True))
        validator = RequestValidator(AUTH_TOKEN)
        signature = headers.get("X-Twilio-Signature", "")
        return bool(validator.validate(self.url + path, parameters, signature))


@pytest.fixture
def service() -> Iterator[Service]:
    service = Service()
    yield service
    service.stop()


@pytest.fixture
def twilio(service: Service) -> Iterator[Simulator]:
    with Simulator(service=service.url) as simulator:
        yield simulator


def test_a_webhook_arrives_signed_and_with_twilios_headers(
    twilio: Simulator, service: Service
) -> None:
    assert twilio.send(payloads.mms()) == 200
    path, headers, _ = service.received[0]
    assert path == PATH
    assert service.is_genuine()
    assert headers["Content-Type"] == "application/x-www-form-urlencoded; charset=UTF-8"
    assert headers["User-Agent"] == "TwilioProxy/1.1"
    assert headers["X-Home-Region"] == "us1"
    assert headers["Accept"] == "*/*"
    assert len(headers["I-Twilio-Idempotency-Token"]) == 36


@pytest.mark.parametrize(
    ("webhook", "path"),
    [
        (payloads.recording_status(), "/webhooks/twilio/recording/"),
        (payloads.conversation(), "/webhooks/twilio/conversations/"),
    ],
)
def test_each_kind_of_webhook_is_sent_to_its_own_path(
    twilio: Simulator, service: Service, webhook: payloads.Webhook, path: str
) -> None:
    twilio.send(webhook)
    assert service.received[0][0] == path
    assert service.is_genuine()


def test_the_media_urls_lead_to_the_simulator(twilio: Simulator, service: Service) -> None:
    webhook = payloads.mms()
    twilio.send(webhook)
    received = dict(parse_qsl(service.received[0][2]))
    assert received["MediaUrl0"] == webhook.media[0].url
    assert received["MediaUrl0"].startswith(twilio.api_origin)


def test_sending_announces_the_media(twilio: Simulator) -> None:
    webhook, before = payloads.mms(delay_s=60), datetime.now(UTC)
    twilio.send(webhook)
    (script,) = webhook.media
    (delivery,) = twilio.deliveries()
    assert script.announced_at is not None
    assert delivery.status == 200
    assert before <= script.announced_at <= delivery.sent_at <= datetime.now(UTC)


def test_a_recording_in_progress_is_registered_and_not_announced(twilio: Simulator) -> None:
    webhook = payloads.recording_status("in-progress", delay_s=1)
    twilio.send(webhook)
    assert twilio.state.find(webhook["RecordingSid"]) is webhook.media[0]
    assert webhook.media[0].announced_at is None


def test_messages_encode_spaces_as_plus_and_recordings_as_percent_20(
    twilio: Simulator, service: Service
) -> None:
    twilio.send(payloads.sms())
    twilio.send(payloads.recording_status())
    assert "SAN+BRUNO" in service.received[0][2]
    assert "20%20Apr%202022" in service.received[1][2]


def test_a_webhook_sent_by_get_has_all_its_parameters_in_the_signed_query(
    twilio: Simulator, service: Service
) -> None:
    webhook = payloads.sms().changed(Body="~ä+b'(c)")
    assert twilio.send(webhook, method="GET") == 200
    path, headers, body = service.received[0]
    assert (path, body) == (f"{PATH}?{webhook.form()}", "")
    assert "Content-Type" not in headers
    assert service.is_genuine()


def test_a_webhook_can_be_sent_to_another_url_without_its_fragment(
    twilio: Simulator, service: Service
) -> None:
    twilio.send(payloads.sms(), to=f"{service.url}/other?a=%7e&b=c%2fd#rc=3&rp=5xx")
    assert service.received[0][0] == "/other?a=%7e&b=c%2fd"
    assert service.is_genuine()


def test_a_forged_signature_is_well_formed_and_does_not_match(
    twilio: Simulator, service: Service
) -> None:
    twilio.send(payloads.sms(), signature="wrong")
    assert len(service.received[0][1]["X-Twilio-Signature"]) == 28
    assert not service.is_genuine()


def test_a_webhook_can_be_sent_without_a_signature(twilio: Simulator, service: Service) -> None:
    twilio.send(payloads.sms(), signature="none")
    assert "X-Twilio-Signature" not in service.received[0][1]


def test_the_status_of_the_response_is_returned(twilio: Simulator, service: Service) -> None:
    assert twilio.send(payloads.sms(), to=f"{service.url}/fail") == 503
    assert len(service.received) == 1


def test_a_missing_response_is_recorded_as_the_result_of_the_delivery() -> None:
    with Simulator(service="http://127.0.0.1:1") as twilio:
        assert twilio.send(payloads.sms()) == NO_ANSWER
        assert [delivery.status for delivery in twilio.deliveries()] == [NO_ANSWER]


def test_every_request_has_its_own_idempotency_token(twilio: Simulator, service: Service) -> None:
    webhook = payloads.sms()
    twilio.send(webhook)
    twilio.send(webhook)
    tokens = {headers["I-Twilio-Idempotency-Token"] for _, headers, _ in service.received}
    assert len(tokens) == 2


def test_many_threads_can_send_webhooks_at_once(twilio: Simulator, service: Service) -> None:
    with ThreadPoolExecutor(16) as pool:
        statuses = list(pool.map(twilio.send, [payloads.mms(2) for _ in range(100)]))
    assert statuses == [200] * 100
    assert all(service.is_genuine(index) for index in range(100))


def test_twilios_own_example_is_signed_as_documented() -> None:
    pairs = {
        "CallSid": "CA1234567890ABCDE",
        "Caller": "+14158675309",
        "Digits": "1234",
        "From": "+14158675309",
        "To": "+18005551212",
    }
    webhook = payloads.Webhook("messaging", tuple(pairs.items()))
    request = sign(webhook, "https://mycompany.com/myapp.php?foo=1&bar=2#rc=1", "12345")
    assert request.headers["X-Twilio-Signature"] == "RSOYDt4T1cUTdK1PDd93/VVr8B8="


def test_repeated_values_of_a_parameter_are_sorted_and_signed_once() -> None:
    digits = (("Digits", "5678"), ("Digits", "1234"), ("Digits", "1234"))
    pairs = (("Sid", "CA123"), ("SidAccount", "AC123"), *digits)
    webhook = payloads.Webhook("messaging", pairs)
    request = sign(webhook, "https://mycompany.com/myapp.php?foo=1&bar=2", "12345")
    assert request.headers["X-Twilio-Signature"] == "IK+Dwps556ElfBT0I3Rgjkr1wJU="


@pytest.mark.parametrize(
    ("webhook", "signed_as"),
    [
        (payloads.sms(), "https://example.com:8443/hook"),
        (payloads.recording_status(), "https://example.com/hook"),
    ],
)
def test_voice_signs_https_without_the_port(webhook: payloads.Webhook, signed_as: str) -> None:
    request = sign(webhook, "https://user:password@example.com:8443/hook", AUTH_TOKEN)
    expected = RequestValidator(AUTH_TOKEN).compute_signature(signed_as, dict(webhook.parameters))
    assert request.headers["X-Twilio-Signature"] == expected


def test_the_media_can_be_fetched_at_the_announced_url(twilio: Simulator, service: Service) -> None:
    twilio.send(payloads.recording_status())
    url = dict(parse_qsl(service.received[0][2]))["RecordingUrl"]
    auth = (ACCOUNT_SID, AUTH_TOKEN)
    assert requests.get(url, auth=auth, timeout=60).content.startswith(b"RIFF")
