import re
from collections.abc import Callable
from functools import wraps

from django.conf import settings
from django.db import DatabaseError, InterfaceError
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils import timezone
from django.utils.crypto import constant_time_compare
from django.views.decorators.http import require_safe
from prometheus_client import CollectorRegistry
from prometheus_client.exposition import choose_encoder

from mediapipe.models import Heartbeat
from mediapipe.models.heartbeats import BEAT
from mediapipe.operations.metrics import DatabaseCollector
from mediapipe.queueing.broker import broker_error
from mediapipe.queueing.broker_problems import AWAY, explain
from mediapipe.webhooks import spool

View = Callable[[HttpRequest], HttpResponse]
BEARER = re.compile(r"Bearer +(\S+)", re.IGNORECASE)


def monitoring_token_required(view: View) -> View:
    """Respond 401 to requests without MONITORING_TOKEN as the bearer token, if it is set."""

    @wraps(view)
    def guarded(request: HttpRequest) -> HttpResponse:
        sent = BEARER.fullmatch(request.headers.get("Authorization", ""))
        expected = settings.MONITORING_TOKEN
        if not expected or (sent and constant_time_compare(sent[1], expected)):
            return view(request)
        return HttpResponse(
            "Send the header Authorization: Bearer, with the value of MONITORING_TOKEN.\n",
            status=401,
            content_type="text/plain",
            headers={"WWW-Authenticate": "Bearer"},
        )

    return guarded


@require_safe
def healthz(request: HttpRequest) -> HttpResponse:
    """Respond that this process is alive."""
    return HttpResponse("ok\n", content_type="text/plain")


@require_safe
@monitoring_token_required
def readyz(request: HttpRequest) -> JsonResponse:
    """Report which dependencies are available; 503 while the database is not.

    Without the broker the rows wait for the dispatcher, and without the database webhooks wait
    in the spool: a load balancer that must keep sending them probes /healthz instead.
    """
    workers: int | None = None
    beat: bool | None = None
    try:
        alive = Heartbeat.objects.alive(timezone.now())
        workers, beat = alive.workers().count(), alive.filter(part=BEAT).exists()
    except (DatabaseError, InterfaceError):
        # Figures from the database are null while it is unavailable.
        workers = beat = None
    database = workers is not None
    error = broker_error()
    problem = error and (explain(error) or AWAY)
    report = {
        "database": database,
        "broker": error is None,
        "broker_problem": problem and f"The broker {problem.summary}. {problem.remedy}",
        "spool": spool.depth(),
        "workers": workers,
        "beat": beat,
    }
    return JsonResponse(report, status=200 if database else 503)


@require_safe
@monitoring_token_required
def metrics(request: HttpRequest) -> HttpResponse:
    """Respond with the metrics; only those of the spool and the database differ between hosts."""
    registry = CollectorRegistry()
    registry.register(DatabaseCollector())
    encode, content_type = choose_encoder(request.headers.get("Accept", ""))
    return HttpResponse(encode(registry), content_type=content_type)
