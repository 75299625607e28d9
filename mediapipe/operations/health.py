"""Endpoints for load balancers and Prometheus: without a login, and without secrets."""

from django.db import DatabaseError, InterfaceError, connection
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils import timezone
from django.views.decorators.http import require_safe
from prometheus_client import CollectorRegistry
from prometheus_client.exposition import choose_encoder

from mediapipe.models import Heartbeat
from mediapipe.models.heartbeats import BEAT
from mediapipe.operations.metrics import DatabaseCollector
from mediapipe.queueing.broker import broker_error
from mediapipe.webhooks import spool


@require_safe
def healthz(request: HttpRequest) -> HttpResponse:
    """Respond that this process is alive."""
    return HttpResponse("ok\n", content_type="text/plain")


@require_safe
def readyz(request: HttpRequest) -> JsonResponse:
    """Report which dependencies are available; 503 while the database is not.

    Without the broker the rows wait for the dispatcher, and without the database webhooks wait
    in the spool: a load balancer that must keep sending them probes /healthz instead.
    """
    database = _database_answers()
    parts = {"database": database, "broker": broker_error() is None, "spool": spool.depth()}
    return JsonResponse(parts | _alive(database), status=200 if database else 503)


@require_safe
def metrics(request: HttpRequest) -> HttpResponse:
    """Respond with the metrics, computed from the database and so alike on every host."""
    registry = CollectorRegistry()
    registry.register(DatabaseCollector())
    encode, content_type = choose_encoder(request.headers.get("Accept", ""))
    return HttpResponse(encode(registry), content_type=content_type)


def _alive(database: bool) -> dict[str, object]:
    """Return what was heard of workers and beat; None while the database cannot tell."""
    if not database:
        return {"workers": None, "beat": None}
    alive = Heartbeat.objects.alive(timezone.now())
    return {"workers": alive.workers().count(), "beat": alive.filter(part=BEAT).exists()}


def _database_answers() -> bool:
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except (DatabaseError, InterfaceError):
        return False
    return True
