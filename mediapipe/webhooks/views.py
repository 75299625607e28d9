import logging
import time
from collections.abc import Callable
from dataclasses import replace
from http.cookies import Morsel

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils import timezone
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods

from mediapipe import logs
from mediapipe.gateway import inline
from mediapipe.gateway.answers import Question, TwilioAnswer
from mediapipe.gateway.inline import Waiting, budget_s
from mediapipe.providers.base import Provider, Reply
from mediapipe.providers.refusals import WebhookForged, WebhookRefused
from mediapipe.webhooks import rejections, spool
from mediapipe.webhooks.receive import (
    AppsUnknown,
    DatabaseUnavailable,
    NotRecorded,
    Receipt,
    receive,
    spool_webhook,
)
from mediapipe.webhooks.request import ReceivedWebhook, webhook_request
from mediapipe.webhooks.spool import SpoolUnavailable

logger = logging.getLogger(__name__)


@csrf_exempt
@require_http_methods(["GET", "POST"])
def webhook(request: HttpRequest, provider: Provider, source: str) -> HttpResponse:
    """Receive one webhook; the response is 200 only after the event is durable."""
    received_at, ends_at = timezone.now(), time.monotonic() + budget_s(source)
    try:
        received = ReceivedWebhook(provider, source, received_at, webhook_request(request))
    except WebhookRefused as refusal:
        return rejection_response(provider, refusal)
    is_pre_hook = provider.pre_hook_reply(received.request) is not None
    question = Question(source, request.path, is_pre_hook=is_pre_hook)
    waiting = Waiting(question, received.request, ends_at)
    try:
        receipt = receive(received)
    except WebhookRefused as refusal:
        if pre_hook_reply := provider.pre_hook_reply(received.request):
            rejections.count_rejection(refusal)
            return ok_response(pre_hook_reply)
        return rejection_response(provider, refusal)
    except DatabaseUnavailable as error:
        logger.warning("the database is unavailable (%s); spooling a webhook", error)
        return spooled_response(received, waiting)
    except AppsUnknown as error:
        logger.error("a webhook is spooled: %s", error)
        return kept_response(received, spool_webhook)
    except NotRecorded:
        return kept_response(received, spool.set_aside)
    # The event is durable: an error here must not make Twilio call the app as well.
    with logs.logged_errors(logger, "the answer of an app to a webhook was lost"):
        if answer := answer_of_app(waiting, receipt):
            return app_response(answer)
    return ok_response(provider.reply(source))


def answer_of_app(waiting: Waiting, receipt: Receipt) -> TwilioAnswer | None:
    """Return the answer of the app that answers Twilio; None if no app does."""
    if receipt.event and receipt.message:
        return inline.answer_recorded(waiting, receipt.event, receipt.message)
    return inline.answer_unrecorded(waiting, receipt.parameters)


def spooled_response(received: ReceivedWebhook, waiting: Waiting) -> HttpResponse:
    """Let the app answer, then spool the webhook together with the outcome.

    In this order, because only the spooled outcome keeps the app from getting the webhook again.
    """
    answer = None
    with logs.logged_errors(logger, "the answer of an app to a webhook was lost"):
        message = received.provider.parse(
            received.source, received.provider.verify(received.request), received.request.headers
        )
        if not spool.contains(received):
            answer, forwarded = inline.answer_without_database(waiting, message)
            received = replace(received, forwarded=forwarded)
    response = kept_response(received, spool_webhook)
    # Even if spooling fails: after a 503 Twilio would send the app what it has already answered.
    is_answer = answer is not None and (answer.is_apps or response.status_code == 200)
    return app_response(answer) if answer and is_answer else response


def app_response(answer: TwilioAnswer) -> HttpResponse:
    """Return an app's answer unchanged, as a response that must not be cached."""
    response = HttpResponse(answer.body, status=answer.status, content_type=answer.content_type)
    if answer.content_type is None:
        del response.headers["Content-Type"]
    if answer.location:
        response.headers["Location"] = answer.location
    for number, cookie in enumerate(answer.cookies):
        dict.__setitem__(response.cookies, str(number), RawCookie(cookie))
    # Otherwise Twilio would cache the response to a GET, and not send us the same webhook again.
    response.headers["Cache-Control"] = "no-store"
    # An app's error is not ours; the log of its deliveries has it.
    response._has_been_logged = True  # type: ignore[attr-defined]
    return response


class RawCookie(Morsel):  # type: ignore[type-arg]
    """A cookie whose Set-Cookie header is exactly as the app wrote it."""

    def __init__(self, written: str) -> None:
        super().__init__()
        self._written = written

    def OutputString(self, attrs: object = None) -> str:  # noqa: N802  (Morsel's own name)
        """Return the value of Set-Cookie."""
        return self._written


def ok_response(reply: Reply) -> HttpResponse:
    return HttpResponse(reply.body, content_type=reply.content_type)


def kept_response(
    received: ReceivedWebhook, keep: Callable[[ReceivedWebhook], None]
) -> HttpResponse:
    """Keep a verified webhook that is not in the database; 503 only if that fails too."""
    try:
        keep(received)
    except SpoolUnavailable as error:
        logger.critical("a webhook could neither be recorded nor spooled: %s", error)
        return HttpResponse(status=503, headers={"Retry-After": "5"})
    return ok_response(received.provider.reply(received.source))


def rejection_response(provider: Provider, refusal: WebhookRefused) -> HttpResponse:
    """Count a refused webhook and say why; nothing else of it is kept."""
    rejections.count_rejection(refusal)
    if isinstance(refusal, WebhookForged):
        # The precise reason would show strangers which accounts and tokens are configured.
        detail = (
            f"The request does not prove that {provider.label} sent it;"
            " the reason is counted in the admin."
        )
        body = {"error": "not_verified", "detail": detail}
    else:
        body = {"error": refusal.reason, "detail": refusal.sentence}
    response = JsonResponse(body, status=refusal.status)
    # Django would log each 508 as our own error; refusals have a rate-limited log.
    response._has_been_logged = True  # type: ignore[attr-defined]
    return response
