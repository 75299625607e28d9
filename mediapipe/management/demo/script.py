import random
from collections.abc import Sequence
from dataclasses import dataclass

from mediapipe.simulator import payloads
from mediapipe.simulator.payloads import Webhook
from mediapipe.simulator.script import MediaScript
from mediapipe.simulator.webhooks import Method, Signature

# Bounds the duration of the demo, which must end within about two minutes.
LONGEST_DELAY_S = 40.0
SEED = 20251208


@dataclass(frozen=True, slots=True)
class DemoStep:
    """One webhook and how to send it."""

    webhook: Webhook
    method: Method = "POST"
    signature: Signature = "right"

    @property
    def is_message(self) -> bool:
        """Whether it is a message that an app at the number must process."""
        return self.webhook.source == "messaging" and self.signature == "right"


def steps() -> list[DemoStep]:
    """Return the webhooks in order: every kind, some media late, some sent twice, one forged.

    Each call returns the same webhooks and delays with fresh SIDs.
    """
    rng = random.Random(SEED)
    messages = [payloads.mms(count) for count in range(1, 11)]
    messages += [payloads.mms(1, ["video/mp4"], size=400_000)]
    messages += [payloads.whatsapp() for _ in range(6)]
    messages += [payloads.whatsapp_voice_note() for _ in range(4)]
    messages += [payloads.whatsapp_document() for _ in range(2)]
    calls = [payloads.recording_status(size=90_000) for _ in range(6)]
    calls += [payloads.conference_recording() for _ in range(2)]
    early = [payloads.record_action(delay_s=2.0), payloads.record_action(delay_s=6.0)]
    absent = [payloads.absent_recording("16101"), payloads.absent_recording("16102")]
    texts = [payloads.sms(), payloads.sms(), payloads.whatsapp_text(), payloads.conversation()]
    # The link is available after one second, the bytes after four.
    conversations = [
        payloads.conversation(2),
        payloads.conversation(metadata_delay_s=1.0, delay_s=4.0, count=1),
    ]
    pre_event = payloads.conversation_event("onMessageAdd")
    make_late([*messages, *calls], rng)
    plain = [*messages, *calls, *early, *absent, *texts, *conversations, pre_event]
    rng.shuffle(plain)
    return [
        *(DemoStep(webhook) for webhook in plain),
        DemoStep(payloads.mms(2), method="GET"),
        # Duplicates, like those of Twilio's retries.
        *(DemoStep(webhook) for webhook in (messages[0], messages[4], calls[0]) for _ in range(2)),
        DemoStep(messages[9].fallback("11200", "https://example.com/first/")),
        # Status callback and transcription of recordings that an action request has announced.
        DemoStep(payloads.recording_status(of=early[0].media[0])),
        DemoStep(payloads.transcription(of=early[1].media[0])),
        DemoStep(payloads.mms(3), signature="wrong"),
    ]


def announced_media(planned: Sequence[DemoStep]) -> list[MediaScript]:
    """Return the media that must be stored, each once, in order of announcement."""
    scripts = {
        script.sid: script
        for step in planned
        if step.signature == "right"
        for script in step.webhook.media
        if script.recording_status == "completed"
    }
    return list(scripts.values())


def make_late(webhooks: Sequence[Webhook], rng: random.Random) -> None:
    """Delay media: 70% not at all, 25% by up to 5 s, 5% by up to LONGEST_DELAY_S."""
    media = [script for webhook in webhooks for script in webhook.media]
    rng.shuffle(media)
    soon, late = len(media) * 25 // 100, len(media) * 5 // 100
    for place, script in enumerate(media[:soon], start=1):
        script.delay_s = 5 * place / soon
    for place, script in enumerate(media[soon : soon + late], start=1):
        script.delay_s = 5 + (LONGEST_DELAY_S - 5) * place / late
