"""Verify, parse, record, dispatch, answer; nothing else stands between Twilio and its 200."""

import logging

from django.db import InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse, HttpResponseBase, JsonResponse
from django.utils import timezone
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods

from mediapipe import intake, providers, rejections
from mediapipe.failures import WebhookForged, WebhookRefused
from mediapipe.webhook_requests import webhook_request
from tasks.dispatch import dispatch

logger = logging.getLogger(__name__)

FORGED = "The request does not prove that Twilio sent it; the reason is counted in the admin."


@csrf_exempt
@require_http_methods(["GET", "POST"])
def webhook(request: HttpRequest, provider: str, source: str) -> HttpResponseBase:
    """Take in one webhook; the answer is 200 only after the event is durable."""
    received_at = timezone.now()
    company = providers.get(provider)
    try:
        incoming = webhook_request(request)
        message = company.parse(source, company.verify(incoming))
    except WebhookRefused as refusal:
        return refused(refusal)
    try:
        event = intake.record(
            message,
            provider=provider,
            received_at=received_at,
            home_region=incoming.headers.get("x-home-region", ""),
        )
    except (OperationalError, InterfaceError):
        logger.exception("the database took no event")
        return HttpResponse(status=503, headers={"Retry-After": "5"})
    # What is still queued, not what is new: a repeat then heals a dispatch that failed.
    dispatch(list(event.media.queued().values_list("pk", flat=True)))
    # Twilio would text a text/plain body back to the sender.
    return HttpResponse("<Response/>", content_type="text/xml")


def refused(refusal: WebhookRefused) -> HttpResponse:
    """Count a refused webhook and say why; nothing of it is kept."""
    rejections.count(refusal.reason)
    if isinstance(refusal, WebhookForged):
        # The precise reason would tell strangers which accounts and tokens are configured.
        return JsonResponse({"error": "not_verified", "detail": FORGED}, status=refusal.status)
    body = {"error": refusal.reason, "detail": refusal.sentence}
    return JsonResponse(body, status=refusal.status)
