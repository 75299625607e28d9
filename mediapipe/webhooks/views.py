import logging
from collections.abc import Callable

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils import timezone
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods

from mediapipe.providers.base import Provider, Reply, WebhookForged, WebhookRefused
from mediapipe.webhooks import rejections, spool
from mediapipe.webhooks.receive import (
    DatabaseUnavailable,
    NotRecorded,
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
    received_at = timezone.now()
    try:
        received = ReceivedWebhook(provider, source, received_at, webhook_request(request))
    except WebhookRefused as refusal:
        return rejection_response(provider, refusal)
    try:
        receive(received)
    except WebhookRefused as refusal:
        if pre_hook_reply := provider.pre_hook_reply(received.request):
            rejections.count_rejection(refusal)
            return ok_response(pre_hook_reply)
        return rejection_response(provider, refusal)
    except DatabaseUnavailable as error:
        logger.warning("the database is unavailable (%s); spooling a webhook", error)
        return kept_response(received, spool_webhook)
    except NotRecorded:
        return kept_response(received, spool.set_aside)
    return ok_response(provider.reply(source))


def ok_response(reply: Reply) -> HttpResponse:
    return HttpResponse(reply.body, content_type=reply.content_type)


def kept_response(
    received: ReceivedWebhook, keep: Callable[[ReceivedWebhook], None]
) -> HttpResponse:
    """Keep a verified webhook that is not in the database; 503 only if that fails too."""
    try:
        keep(received)
    except SpoolUnavailable as error:
        logger.critical("a webhook could be stored neither in the database nor spooled: %s", error)
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
    # Django would log each 508 as an error of ours; refusals have a log that no flood fills.
    response._has_been_logged = True  # type: ignore[attr-defined]
    return response
