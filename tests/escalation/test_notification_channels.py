"""What each channel says about an incident, as its recipients get it."""

from __future__ import annotations

import email
import json
from email.policy import default as modern
from typing import Any

import pytest
from django.urls import reverse
from pytest_django import Settings
from standardwebhooks import Webhook

from mediapipe.escalation.notifications.announcement import announcement, link_to
from mediapipe.models import Cause, Channel, Incident, Notice
from mediapipe.models.outbox import DeliveryStatus
from tests.support import make
from tests.support.clock import later
from tests.support.notifications import (
    NOWHERE,
    OTHER,
    SECRET,
    attempt,
    configure,
    only_notice,
    report_early_404s,
)
from tests.support.receivers import FakeServer, mail_server, web_server

pytestmark = [pytest.mark.django_db, pytest.mark.database]


def link(incident: Incident) -> str:
    page = reverse("admin:mediapipe_incident_change", args=[incident.pk])
    return f"https://media.example.com{page}"


def posted(receiver: FakeServer) -> Any:
    ((_, _, body),) = receiver.requests
    return json.loads(body)


def test_the_stock_verifier_accepts_a_webhook(settings: Settings) -> None:
    with web_server() as receiver, later(seconds=3):
        configure(settings, webhook=receiver.url)
        incident = report_early_404s()
        with later(seconds=3):
            notice = attempt(only_notice(Channel.WEBHOOK))
        _, headers, body = receiver.requests[0]
        with later(seconds=3):
            content = Webhook(SECRET).verify(body, headers)
    assert notice.status == DeliveryStatus.DELIVERED
    assert headers["webhook-id"] == notice.key
    assert content["type"] == "incident.opened"
    assert content["timestamp"] == notice.step.at.isoformat()
    assert content["data"]["url"] == link(incident)
    assert (content["data"]["account_sid"], content["data"]["measured"]) == (make.ACCOUNT, 30)


def test_both_secrets_verify_a_webhook_during_a_rotation(settings: Settings) -> None:
    with web_server() as receiver, later(seconds=3):
        configure(settings, webhook=receiver.url)
        settings.ESCALATION_WEBHOOK_SECRETS = [OTHER, SECRET]
        report_early_404s()
        with later(seconds=3):
            attempt(only_notice(Channel.WEBHOOK))
            _, headers, body = receiver.requests[0]
            for secret in (OTHER, SECRET):
                Webhook(secret).verify(body, headers)


def test_each_attempt_sends_the_same_content_with_the_same_id(settings: Settings) -> None:
    with web_server(503, 503, 200) as receiver, later(seconds=3):
        configure(settings, webhook=receiver.url)
        report_early_404s(30)
        for minute in range(1, 4):
            # Meanwhile the incident grows.
            report_early_404s(30 + minute, f"{30 + minute} of 200 media had an early 404.")
            with later(minutes=minute):
                notice = attempt(only_notice(Channel.WEBHOOK))
        sent = [(headers["webhook-id"], body) for _, headers, body in receiver.requests]
        times = {headers["webhook-timestamp"] for _, headers, _ in receiver.requests}
    assert [entry.result.split()[1] for entry in notice.delivery_log] == ["503", "503", "200"]
    assert len(set(sent)) == 1
    assert len(times) == 3


def test_slack_gets_a_message_with_the_link(settings: Settings) -> None:
    with web_server() as receiver:
        configure(settings, slack=receiver.url)
        make.media()
        incident = report_early_404s()
        with later(seconds=3):
            notice = attempt(only_notice(Channel.SLACK))
    message = posted(receiver)
    (attachment,) = message["attachments"]
    assert notice.status == DeliveryStatus.DELIVERED
    assert message["text"] == f"New incident: Early 404s, account {make.ACCOUNT}"
    assert attachment["title_link"] == link(incident)
    assert attachment["text"] == "30 of 200 media had an early 404."
    assert {"title": "Affected media", "value": "1", "short": True} in attachment["fields"]


def test_markup_in_a_slack_message_is_escaped(settings: Settings) -> None:
    with web_server() as receiver:
        configure(settings, slack=receiver.url)
        report_early_404s(detail="<!channel> & <https://evil.example|here>")
        with later(seconds=3):
            attempt(only_notice(Channel.SLACK))
    (attachment,) = posted(receiver)["attachments"]
    assert attachment["text"] == "&lt;!channel&gt; &amp; &lt;https://evil.example|here&gt;"


def test_an_e_mail_is_sent_to_every_recipient_through_a_real_mail_server(
    settings: Settings,
) -> None:
    with mail_server() as mailbox:
        configure(settings, mail=mailbox.port)
        incident = report_early_404s()
        with later(seconds=3):
            notice = attempt(only_notice(Channel.EMAIL))
    assert notice.status == DeliveryStatus.DELIVERED
    assert [line.partition("<")[2].partition(">")[0] for line in mailbox.recipients] == [
        "ann@example.com",
        "bob@example.com",
    ]
    letter = email.message_from_string(mailbox.messages[0], policy=modern)
    assert letter["Subject"] == f"[mediapipe] New incident: Early 404s, account {make.ACCOUNT}"
    assert letter["Message-ID"] == f"<{notice.key}@media.example.com>"
    assert letter["Auto-Submitted"] == "auto-generated"
    assert link(incident) in letter.get_content().splitlines()


def test_e_mails_about_one_incident_form_one_thread(settings: Settings) -> None:
    with mail_server() as mailbox:
        configure(settings, mail=mailbox.port)
        report_early_404s()
        Incident.resolve_for(Cause.EARLY_404S, make.ACCOUNT)
        with later(seconds=3):
            for notice in Notice.objects.all():
                attempt(notice)
    letters = [email.message_from_string(letter) for letter in mailbox.messages]
    assert letters[0]["References"] == letters[1]["References"]
    assert letters[0]["Message-ID"] != letters[1]["Message-ID"]
    assert "Incident is over" in letters[1]["Subject"]


@pytest.mark.parametrize(
    ("answer", "status"),
    [
        ("451 greylisted", DeliveryStatus.WAITING),
        ("550 no such user", DeliveryStatus.FAILED),
    ],
)
def test_the_mail_servers_response_determines_whether_a_notice_is_retried(
    settings: Settings, answer: str, status: DeliveryStatus
) -> None:
    with mail_server() as mailbox:
        mailbox.rcpt_reply = answer
        configure(settings, mail=mailbox.port)
        report_early_404s()
        with later(seconds=3):
            notice = attempt(only_notice(Channel.EMAIL))
    assert notice.status == status
    assert answer in notice.delivery_log[0].result


def test_a_notice_is_retried_while_the_mail_server_is_unreachable(settings: Settings) -> None:
    # Nothing listens there.
    configure(settings, mail=9)
    report_early_404s()
    with later(seconds=3):
        notice = attempt(only_notice(Channel.EMAIL))
    assert notice.status == DeliveryStatus.WAITING
    assert notice.delivery_log[0].result == "127.0.0.1: ConnectionRefusedError"


def test_notices_of_a_removed_channel_fail(settings: Settings) -> None:
    configure(settings, slack=NOWHERE)
    report_early_404s()
    configure(settings)
    with later(seconds=3):
        notice = attempt(only_notice(Channel.SLACK))
    assert notice.status == DeliveryStatus.FAILED
    assert "no longer configured" in notice.delivery_log[0].result


def test_an_announcement_contains_no_phone_number(settings: Settings) -> None:
    configure(settings, slack=NOWHERE)
    report_early_404s(detail="From +15550000077.")
    Incident.objects.update(ticket="call +15550000077")
    rendered = announcement(only_notice(Channel.SLACK).step)
    assert "5550000" not in json.dumps(rendered.as_dict())
    assert rendered.detail.endswith("77.")


def test_an_incident_without_figures_is_announced_with_its_meaning(settings: Settings) -> None:
    configure(settings, slack=NOWHERE)
    Incident.open_or_update(Cause.STORAGE)
    rendered = announcement(only_notice(Channel.SLACK).step)
    assert rendered.headline == "New incident: Storage"
    assert rendered.detail == Cause.STORAGE.meaning


def test_the_log_names_the_host_but_contains_no_secret(
    settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    with web_server(404) as receiver:
        configure(settings, slack=receiver.url)
        report_early_404s()
        with later(seconds=3):
            notice = attempt(only_notice(Channel.SLACK))
    assert "127.0.0.1" in caplog.text
    assert "giving up" in caplog.text
    assert "s3cret" not in caplog.text + str(notice.log)


def test_a_link_to_an_incident_does_not_show_the_password_of_the_public_url(
    settings: Settings,
) -> None:
    settings.PUBLIC_BASE_URL = "https://user:password@media.example.com"
    incident = Incident(pk=7, cause=Cause.STORAGE)
    page = reverse("admin:mediapipe_incident_change", args=[incident.pk])
    assert link_to(incident) == f"https://media.example.com{page}"
