"""Where Twilio's webhooks come in, and how they are answered."""

import logging

from django.http import HttpRequest, HttpResponse, HttpResponseBase, JsonResponse
from django.utils import timezone
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods

from mediapipe import providers
from mediapipe.providers.base import WebhookForged, WebhookRefused
from mediapipe.webhooks import rejections
from mediapipe.webhooks.receive import DATABASE_AWAY, receive, spool_webhook
from mediapipe.webhooks.request import webhook_request
from mediapipe.webhooks.spool import ReceivedWebhook, SpoolUnavailable

logger = logging.getLogger(__name__)

FORGED = "The request does not prove that Twilio sent it; the reason is counted in the admin."


@csrf_exempt
@require_http_methods(["GET", "POST"])
def webhook(request: HttpRequest, provider: str, source: str) -> HttpResponseBase:
    """Take in one webhook; the answer is 200 only after the event is durable."""
    received_at = timezone.now()
    try:
        arrived = ReceivedWebhook(provider, source, received_at, webhook_request(request))
    except WebhookRefused as refusal:
        return refused(refusal)
    try:
        receive(arrived)
    except WebhookRefused as refusal:
        is_pre_hook = providers.get(provider).is_pre_hook(arrived.request)
        return accept_pre_hook(refusal) if is_pre_hook else refused(refusal)
    except DATABASE_AWAY:
        return spool_response(arrived)
    return accepted(source)


def accepted(source: str) -> HttpResponse:
    """Answer with empty TwiML, because Twilio would text a text/plain body back to the sender.

    Conversations take JSON that says what to change about a message, which is nothing.
    """
    if source == "conversations":
        return JsonResponse({})
    return HttpResponse("<Response/>", content_type="text/xml")


def spool_response(arrived: ReceivedWebhook) -> HttpResponse:
    """Spool a verified webhook that the database did not take; 503 only if that fails too."""
    logger.warning("the database is away; a webhook goes to the spool")
    try:
        spool_webhook(arrived)
    except SpoolUnavailable as error:
        logger.critical("a webhook could be made durable nowhere: %s", error)
        return HttpResponse(status=503, headers={"Retry-After": "5"})
    return accepted(arrived.source)


def accept_pre_hook(refusal: WebhookRefused) -> HttpResponse:
    """Count a refused pre-hook, and let Twilio go on: our trouble must stop nobody's message."""
    rejections.count(refusal.reason)
    return accepted("conversations")


def refused(refusal: WebhookRefused) -> HttpResponse:
    """Count a refused webhook and say why; nothing of it is kept."""
    rejections.count(refusal.reason)
    if isinstance(refusal, WebhookForged):
        # The precise reason would tell strangers which accounts and tokens are configured.
        return JsonResponse({"error": "not_verified", "detail": FORGED}, status=refusal.status)
    body = {"error": refusal.reason, "detail": refusal.sentence}
    return JsonResponse(body, status=refusal.status)
