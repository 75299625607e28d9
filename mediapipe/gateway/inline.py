"""The answer of an app to a webhook while Twilio waits for it."""

from __future__ import annotations

import logging
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial

from django.conf import settings

from mediapipe.gateway.answers import Question, TwilioAnswer, answer_to, our_answer
from mediapipe.gateway.capture import about
from mediapipe.gateway.deliver import conclude, until_recorded
from mediapipe.gateway.entries import Answer, Entry, entries_for
from mediapipe.gateway.flights import slots
from mediapipe.gateway.original import OriginalRequest
from mediapipe.gateway.send import Sent, Verdict, send, verdict
from mediapipe.models import AnswerUse, GatewayDelivery, GatewayReply, GatewayStatus, WebhookEvent
from mediapipe.models.status import UNFINISHED
from mediapipe.providers.base import InboundMessage, Parameters, WebhookRequest
from mediapipe.providers.twilio.webhooks import TRIAL

logger = logging.getLogger(__name__)

# Twilio gives Conversations (classic) five seconds.
CONVERSATIONS_S = 4.0
# The share of the time left that may pass while the media of the message is fetched.
MEDIA_SHARE = 0.5
POLL_S = 0.25


@dataclass(frozen=True, slots=True)
class Waiting:
    """A webhook whose answer Twilio waits for, until `ends_at` (time.monotonic)."""

    question: Question
    request: WebhookRequest
    ends_at: float

    @property
    def left_s(self) -> float:
        return self.ends_at - time.monotonic()

    def our_answer(self) -> TwilioAnswer:
        return our_answer(self.question)

    def send(self, entry: Entry) -> Sent:
        return send(OriginalRequest.of(self.request), entry)


def budget_s(source: str) -> float:
    """Return how many seconds after its arrival a webhook of this source must be answered."""
    budget: float = settings.GATEWAY_BUDGET_S
    return min(budget, CONVERSATIONS_S) if source == "conversations" else budget


def answer_recorded(
    waiting: Waiting, event: WebhookEvent, message: InboundMessage
) -> TwilioAnswer | None:
    """Return the answer to a recorded webhook; None if no app answers it.

    A repeat gets the same answer as the first webhook. Without an answer in time Twilio gets ours,
    and the webhook may be delivered later.
    """
    entry = _answering(entries_for(event.account_sid, message.recipient, message.source))
    if entry is None:
        return None
    deliveries = GatewayDelivery.objects.filter(event=event, entry=entry.name, about=about(message))
    delivery = deliveries.first()
    if delivery is None:
        return None
    delivery.event = event
    answer = None
    if slots.take():
        answer = _with_slot(waiting, entry, delivery)
    if answer is None:
        GatewayDelivery.objects.mark_undispatched([delivery.pk])
    return answer or waiting.our_answer()


def answer_unrecorded(waiting: Waiting, parameters: Parameters) -> TwilioAnswer | None:
    """Pass on an event of a conversation that is not recorded, such as a pre-hook.

    Return the app's answer, None if no app answers. The event is sent only once: at a retry, what
    it announces would have happened already.
    """
    values = dict(parameters)
    if TRIAL in parameters or waiting.question.source != "conversations":
        return None
    answer = None
    for entry in entries_for(values.get("AccountSid", ""), "", waiting.question.source):
        if not slots.take():
            logger.warning(
                "%s did not get an event: GATEWAY_IN_FLIGHT requests are already waiting",
                entry.name,
            )
            continue
        flight = slots.start(partial(waiting.send, entry), partial(_log, entry))
        if entry.answer == Answer.APP:
            sent = flight.wait(waiting.left_s)
            answer = answer_to(waiting.question, sent, entry) if sent else waiting.our_answer()
    return answer


def answer_without_database(
    waiting: Waiting, message: InboundMessage | None
) -> tuple[TwilioAnswer | None, dict[str, str]]:
    """Return the app's answer to a webhook that cannot be recorded, None if no app answers.

    Also returns the resulting state by app name. The spool keeps it, so that the webhook is not
    sent again when it is recorded; an app that should get it again is left out.
    """
    fitting = entries_for(message.account_sid, message.recipient, message.source) if message else ()
    entry = _answering(fitting)
    if entry is None:
        return None, {}
    if not slots.take():
        return waiting.our_answer(), {}
    sent = slots.start(partial(waiting.send, entry), partial(_log, entry)).wait(waiting.left_s)
    if sent is None:
        return waiting.our_answer(), {entry.name: Verdict.UNKNOWN}
    answer = answer_to(waiting.question, sent, entry)
    means = Verdict.DELIVERED if answer.is_apps else verdict(sent, entry.retry)
    return answer, {} if means == Verdict.AGAIN else {entry.name: means}


def _answering(fitting: Sequence[Entry]) -> Entry | None:
    return next((entry for entry in fitting if entry.answer == Answer.APP), None)


def _with_slot(waiting: Waiting, entry: Entry, delivery: GatewayDelivery) -> TwilioAnswer | None:
    """Return the answer, None to leave it to the dispatcher; releases the slot that was taken."""
    is_started = False
    try:
        if not _claim(waiting, delivery):
            return _answer_of_another(waiting, delivery)
        is_started = True
        flight = slots.start(
            partial(waiting.send, entry), partial(_record, waiting.question, entry, delivery)
        )
        sent = flight.wait(waiting.left_s)
        return answer_to(waiting.question, sent, entry) if sent else waiting.our_answer()
    finally:
        if not is_started:
            slots.release()


def _claim(waiting: Waiting, delivery: GatewayDelivery) -> bool:
    """Claim the delivery once nothing holds it back; return False if that takes too long."""
    # It is a repeat, or was attempted before.
    if delivery.status != GatewayStatus.WAITING or delivery.attempts:
        return False
    until = time.monotonic() + waiting.left_s * MEDIA_SHARE
    while True:
        is_held = _has_unfinished_media(delivery) or _is_behind_another(delivery)
        if delivery.claim(answering=True):
            return True
        if not is_held or time.monotonic() >= until:
            return False
        time.sleep(POLL_S)


def _has_unfinished_media(delivery: GatewayDelivery) -> bool:
    media = delivery.event.media.filter(status__in=UNFINISHED)
    return delivery.holds_for_media and media.exists()


def _is_behind_another(delivery: GatewayDelivery) -> bool:
    """Return whether an earlier message of the conversation is waiting and may be sent soon."""
    return bool(delivery.conversation) and (
        GatewayDelivery.objects.waiting()
        .filter(entry=delivery.entry, conversation=delivery.conversation)
        .filter(pk__lt=delivery.pk, late=False)
        .exists()
    )


def _answer_of_another(waiting: Waiting, delivery: GatewayDelivery) -> TwilioAnswer | None:
    """Return the answer that another request for the same webhook gets or got, if any."""
    while True:
        # Read the status first: the reply is stored before the status changes.
        sending = GatewayDelivery.objects.sending().filter(pk=delivery.pk).exists()
        if reply := GatewayReply.find(delivery.pk):
            return TwilioAnswer.from_json(reply)
        if not sending or waiting.left_s <= 0:
            return None
        time.sleep(POLL_S)


def _record(
    question: Question, entry: Entry, delivery: GatewayDelivery, sent: Sent, in_time: bool
) -> None:
    answer = answer_to(question, sent, entry)
    use = _use(sent, answer, in_time=in_time)
    detail = answer.lost or sent.detail
    if use == AnswerUse.LOST and not detail:
        detail = f"The answer came after {sent.total_s:.0f} s, too late for Twilio."
    # Twilio got the failure, and calls the fallback URL of the number.
    is_last = in_time and answer.status >= 500

    def record() -> None:
        # The reply first: a repeat looks for it once the delivery is no longer being sent.
        if in_time:
            GatewayReply.keep(delivery.pk, answer.to_json())
        conclude(delivery, entry, replace(sent, detail=detail), use, is_last=is_last)

    until_recorded(record)


def _use(sent: Sent, answer: TwilioAnswer, *, in_time: bool) -> AnswerUse | None:
    if answer.is_apps and in_time:
        return AnswerUse.USED
    if sent.status is None or not 200 <= sent.status < 300:
        return None
    has_content = bool(answer.lost or (answer.is_apps and sent.body))
    return AnswerUse.LOST if has_content else AnswerUse.NOT_NEEDED


def _log(entry: Entry, sent: Sent, in_time: bool) -> None:
    if sent.detail or not in_time:
        detail = sent.detail or f"it answered after {sent.total_s:.0f} s"
        logger.warning("a webhook that was not recorded, to %s: %s", entry.name, detail)
