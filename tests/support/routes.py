"""A number whose webhook URL at Twilio is ours, until a test points it elsewhere."""

from __future__ import annotations

from mediapipe.models import Incident
from mediapipe.simulator.numbers import PhoneNumber
from tasks.read_routes import read_routes
from tests.support import make

OUR_ORIGIN = "https://media.example.com"
OUR_URL = f"{OUR_ORIGIN}/webhooks/twilio/messaging/"
OTHER_URL = "https://user:canary@old.example.com/sms?key=canary"
NUMBER = PhoneNumber(sms_url=OUR_URL, account_sid=make.ACCOUNT)


def read() -> str:
    """Read the routes; return the details of all ongoing incidents, or ""."""
    read_routes.run()
    return "".join(incident.detail for incident in Incident.objects.ongoing())
