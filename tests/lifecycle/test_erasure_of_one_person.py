"""After `forget`, a person's number is not found anywhere, in any spelling."""

from __future__ import annotations

import base64
import json
import os
import secrets
from datetime import UTC, datetime
from io import StringIO
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

import pytest
from django.apps import apps
from django.contrib.auth.models import User
from django.core import serializers
from django.core.management import call_command
from django.db import connection
from django_celery_results.models import TaskResult
from pytest_django import Settings

from mediapipe.lifecycle.erasure.target import ErasureTarget
from mediapipe.lifecycle.hand_off import build_payload
from mediapipe.models import BulkJob, HandOff, Heartbeat
from mediapipe.operations import audit_log
from mediapipe.providers import twilio
from mediapipe.providers.base import WebhookRequest
from mediapipe.simulator import Simulator, payloads
from mediapipe.simulator.payloads import Webhook
from mediapipe.webhooks import spool, spool_cleanup
from mediapipe.webhooks.request import ReceivedWebhook
from tests.support import make
from tests.support.fetching import attempt
from tests.support.postgresql_log import ServerLog
from tests.support.webhooks import send

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.database,
    pytest.mark.usefixtures("ada"),
]

NUMBER = "+15559871298"
FULL_WIDTH = {ord(str(digit)): chr(0xFF10 + digit) for digit in range(10)}
SPELLINGS = [
    NUMBER,
    "15559871298",
    "+1 555 987 1298",
    "1-555-987-12-98",
    "+1 (555) 987-1298",
    "1.555.98.71.298",
    "1/555/987/1298",
    "+1 (0) 555 987 12 98",
    "0015559871298",
    "00 1 555 987 1298",
    "0011-555-987-1298",
    "00115559871298",
    "011 1 555 987 1298",
    "+1\u00a0555\u2011987\u20111298",
    "\u202a+1 555\u2013987\u20131298\u202c",
    NUMBER.translate(FULL_WIDTH),
    "\uff0b" + "1 555 987 1298".translate(FULL_WIDTH),
    "+1\ufe0f5\ufe0f5\ufe0f5\ufe0f9871298",
    "\u0661\u0665\u0665\u0665\u0669\u0668\u0667\u0661\u0662\u0669\u0668",
    "https://wa.me/15559871298?text=hi",
    "https://m.example/?n=%2B1%20555%20987%201298",
    "https://m.example/?n=1%E2%80%91555%E2%80%91987%E2%80%911298",
    json.dumps({"from": "+1\u2011555\u2011987\u20111298"}),
    json.dumps({"from": "15559871298".translate(FULL_WIDTH)}),
]
OTHERS = ["+15559871299", "215559871298", "155598712981", "+4915559871298", "a15559871298"]


def forget(*arguments: str) -> Any:
    """Run the command; return its receipt."""
    out = StringIO()
    call_command("forget", "--number", NUMBER, "--by", "ada", "--noinput", *arguments, stdout=out)
    return json.loads(out.getvalue())


def webhook(body: str, **parameters: str) -> Webhook:
    sent = payloads.sms(account_sid=make.ACCOUNT)
    return sent.changed(From="+15550000002", Body=body, **parameters)


def spooled(body: str) -> ReceivedWebhook:
    form = urlencode({"MessageSid": make.sid("MM"), "Body": body}).encode()
    request = WebhookRequest("POST", "https://m.example/", {}, form)
    return ReceivedWebhook(twilio, "messaging", datetime.now(UTC), request)


@pytest.mark.parametrize("spelling", SPELLINGS)
def test_a_number_is_found_in_every_spelling(spelling: str, ada: User) -> None:
    event = make.event(make.message(sender="", parameters=(("Body", f"call {spelling}!"),)))
    spool.put(spooled(f"call {spelling}!"))
    audit_log.log_action(ada, f"search: {spelling}", "Exported.")
    receipt = forget()
    event.refresh_from_db()
    assert event.parameters == []
    assert (receipt["spooled_webhooks"], receipt["log_entries"]) == (1, 1)
    assert spool.waiting() == []


@pytest.mark.parametrize("other", OTHERS)
def test_a_different_number_is_not_found(other: str) -> None:
    make.event(make.message(sender="", parameters=(("Body", f"call {other}!"),)))
    assert forget()["events"] == []


def test_the_text_around_a_replaced_number_is_kept() -> None:
    target = ErasureTarget.parse("number", NUMBER)
    text = f"a {NUMBER.translate(FULL_WIDTH)} b 001 (555) 987-1298 c"
    assert target.replaced_in(text, "-") == "a - b - c"


def all_stored_data(settings: Settings) -> dict[str, str]:
    """Return each table, and each file of data folder, spool and storage, as text by its name."""
    kept = {
        model._meta.label: json.dumps(
            json.loads(serializers.serialize("json", model._default_manager.all())),
            ensure_ascii=False,
        )
        for model in apps.get_models()
    }
    folders = {Path(settings.DATA_DIR), Path(settings.SPOOL_DIR), Path(settings.MEDIA_ROOT)}
    for path in (file for folder in folders for file in folder.rglob("*") if file.is_file()):
        # SQLite's test database is in another folder; its tables are read above.
        data = path.read_bytes()
        kept[str(path)] = f"{path.name}\n{data.decode(errors='replace')}"
    return kept


def store_personal_data(twilio: Simulator, settings: Settings, ada: User, canary: str) -> list[str]:
    """Put the person's data everywhere the service keeps any; return the hashes made from it."""
    settings.HANDOFF_WEBHOOK_URL = "https://crm.example/"
    script = twilio.add_message_media(account_sid=make.ACCOUNT)
    media = make.announced(
        script.parent_sid, identity=script.sid, url=script.url, declared_content_type=f"x/{canary}"
    )
    item = make.media(
        make.message(
            subject_sid=script.parent_sid,
            parameters=(("From", NUMBER), ("Body", canary)),
            sender=NUMBER,
            media=(media,),
        )
    )
    assert attempt(item) == "stored"
    item.refresh_from_db()
    item.attempt_set.update(task_id="t1")
    TaskResult.objects.create(task_id="t1", result=json.dumps(canary))
    for spelling in SPELLINGS:
        sent = webhook(
            f"{spelling} {canary}",
            NumMedia="1",
            MediaUrl0=f"https://{canary}.example/?n={quote(spelling)}",
            MediaContentType0=f"image/{canary}-15559871298",
        )
        # A new event, an exact repeat, and a repeat with other content.
        for later in (sent, sent, sent.changed(SmsStatus=canary)):
            assert send(later).status_code == 200
        spool.put(spooled(f"{spelling} {canary}"))
        spool.set_aside(spooled(f"{spelling} {canary}"))
        audit_log.log_action(ada, f"search: {spelling}", f"Exported 1 media item: {spelling}.")
        BulkJob.create([], by=ada, chosen=f"search: {spelling}")
    for hand_off in HandOff.objects.all():
        hand_off.snapshot_payload(build_payload(hand_off))
    fill_with_broken_files(canary)
    events = [
        item.event,
        *(hand_off.media.event for hand_off in HandOff.objects.select_related("media")),
    ]
    digests = {event.digest for event in events}
    return [item.sha256, *(digest for digest in digests if digest)]


def fill_with_broken_files(canary: str) -> None:
    """Write the unfinished and damaged files that crashes and disk errors leave in the spool."""
    whole = spool.waiting()[0].read_text()
    folder = spool.waiting()[0].parent
    (folder / "1-killed.part").write_text(whole[: len(whole) // 2])
    (folder / "refused" / "2-killed.part").write_text(whole)
    (folder / "0-damaged.webhook").write_text(f"{{ {NUMBER} {canary}")
    body = base64.b64encode(f"From=%2B{NUMBER[1:]}&Body={canary}".encode())
    (folder / "refused" / "0-damaged.webhook").write_bytes(b'{"body": "' + body)


@pytest.mark.slow
def test_no_data_of_the_person_remains_anywhere_after_forget(
    twilio: Simulator, settings: Settings, ada: User
) -> None:
    log = ServerLog() if connection.vendor == "postgresql" else None
    canary = f"zelda{secrets.token_hex(6)}"
    revealing = [canary, *store_personal_data(twilio, settings, ada, canary)]
    assert any(canary in text for text in all_stored_data(settings).values())
    receipt = forget()
    assert receipt["not_erased"] == []
    left = all_stored_data(settings) | {
        "the receipt": json.dumps(receipt),
        "PostgreSQL's log": log.text() if log else "",
    }
    target = ErasureTarget.parse("number", NUMBER)
    decoded = {name: text + decode(text) for name, text in left.items()}
    found = [
        (name, value)
        for name, text in decoded.items()
        for value in [*revealing, *SPELLINGS]
        if value in text or (value == NUMBER and target.occurs_in(text))
    ]
    assert found == []
    assert forget()["events"] == []


def decode(text: str) -> str:
    """Return the decoded form of every base64 run in the text."""
    runs = spool.BASE64.findall(text.encode())
    return "\n".join(
        base64.b64decode(run[: len(run) // 4 * 4]).decode(errors="replace") for run in runs
    )


def test_the_receipt_lists_the_spools_that_were_not_searched(settings: Settings) -> None:
    Heartbeat.record("worker media@web-2.example")
    spool.put(spooled("hi"))
    (Path(settings.SPOOL_DIR) / "00-bad.webhook").write_text("{")
    (Path(settings.SPOOL_DIR) / "01-folder.webhook").mkdir()
    spools = forget()["spool"]
    assert spools["searched"]["directory"] == str(settings.SPOOL_DIR)
    assert spools["not_readable"] == ["00-bad.webhook", "01-folder.webhook"]
    assert spools["not_searched"]["other_hosts_seen"] == ["web-2.example"]
    assert "forget --number" in spools["not_searched"]["to_do"]


@pytest.mark.parametrize(("days", "left"), [(0, 1), (30, 0)])
def test_refused_webhooks_are_deleted_after_the_retention_of_payloads(
    settings: Settings, days: int, left: int
) -> None:
    settings.RETENTION_PAYLOADS_DAYS = days
    spool.set_aside(spooled("old"))
    (path,) = spool.refused()
    old = path.stat().st_mtime - 40 * 86400
    os.utime(path, (old, old))
    (path.parent / "x.part").write_text("half")
    spool_cleanup.clean_up()
    assert len(spool.refused()) == left
    assert not list(path.parent.glob("*.part"))


def test_a_recently_refused_webhook_is_kept(settings: Settings) -> None:
    settings.RETENTION_PAYLOADS_DAYS = 30
    spool.set_aside(spooled("young"))
    spool_cleanup.clean_up()
    assert len(spool.refused()) == 1
