"""A person who sent a picture, and the erasure of what they sent."""

from __future__ import annotations

import json
from datetime import datetime
from io import StringIO
from typing import Any

from django.core.management import call_command

from mediapipe.models import MediaItem
from mediapipe.simulator import Simulator
from tests.support import make
from tests.support.fetching import attempt

NUMBER = "+15550007788"
TEXT = "a private text of one person"


def receive_picture(twilio: Simulator, *, at: datetime | None = None) -> MediaItem:
    """Take in a picture message from the person; the simulated Twilio has the picture."""
    script = twilio.add_message_media(account_sid=make.ACCOUNT)
    media = make.announced(script.parent_sid, identity=script.sid, url=script.url)
    parameters = (("MessageSid", script.parent_sid), ("From", NUMBER), ("Body", TEXT))
    inbound = make.message(
        subject_sid=script.parent_sid, parameters=parameters, sender=NUMBER, media=(media,)
    )
    return make.media(inbound, at)


def stored(twilio: Simulator) -> MediaItem:
    item = receive_picture(twilio)
    assert attempt(item) == "stored"
    return item


def forget(*arguments: str) -> Any:
    """Run the command; return its receipt."""
    out = StringIO()
    call_command("forget", *arguments, "--by", "ada", "--noinput", stdout=out)
    return json.loads(out.getvalue())
