"""A webhook that a gateway has passed on is not passed on again."""

from __future__ import annotations

import pytest
from django.test import Client

from mediapipe.gateway.entries import Entry, Retry
from mediapipe.gateway.send import HOPS, Verdict, send, verdict
from mediapipe.models import Rejection, WebhookEvent
from mediapipe.simulator.webhooks import PATHS
from tests.support.apps import ReceivedRequest, Reply, app
from tests.support.gateway import original

pytestmark = pytest.mark.django_db


@pytest.mark.django_db(transaction=True)
def test_a_loop_between_two_services_ends_at_the_second() -> None:
    def second_service(got: ReceivedRequest) -> Reply:
        headers = {name: value for name, value in got.headers.items() if name != "content-length"}
        response = Client().post(got.target, got.body, headers["content-type"], headers=headers)
        return Reply(response.status_code, response.content)

    with app(second_service) as other:
        entry = Entry("bot", other.origin + PATHS["messaging"])
        sent = send(original(), entry)
    assert (sent.status, verdict(sent, Retry.ALL)) == (508, Verdict.REFUSED)
    assert not WebhookEvent.objects.exists()
    assert Rejection.objects.get().reason == "loop"


def test_a_request_with_the_hop_header_is_refused_as_a_loop() -> None:
    response = Client().post(PATHS["messaging"], headers={HOPS: "7"})
    assert (response.status_code, response.json()["error"]) == (508, "loop")
