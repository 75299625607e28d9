"""Traces by OpenTelemetry, by its environment variables alone; the code knows nothing of them."""

import os
import sys
from pathlib import Path

from django.core.exceptions import ImproperlyConfigured

# The variable that every exporter of OpenTelemetry reads.
ASKED_FOR = "OTEL_EXPORTER_OTLP_ENDPOINT"
DEFAULTS = {
    "OTEL_SERVICE_NAME": "mediapipe",
    # The other one, gRPC, is what would be tried otherwise, and is not installed.
    "OTEL_EXPORTER_OTLP_PROTOCOL": "http/protobuf",
    "OTEL_METRICS_EXPORTER": "none",
    "OTEL_LOGS_EXPORTER": "none",
    # A span of a request has its URL: that of a webhook sent by GET is the whole webhook.
    "OTEL_PYTHON_DJANGO_EXCLUDED_URLS": "webhooks,healthz,readyz,metrics",
}


def python() -> list[str]:
    """Return the Python by which programs are started: a traced one, if traces are asked for.

    Raise ImproperlyConfigured if they are and the packages for it are missing.
    """
    if not os.environ.get(ASKED_FOR):
        return [sys.executable]
    tracer = Path(sys.executable).with_name("opentelemetry-instrument")
    if not tracer.exists():
        raise ImproperlyConfigured(
            f"{ASKED_FOR} needs packages of its own: pip install --require-hashes "
            "-r requirements/telemetry.txt, or build the image with EXTRAS=telemetry."
        )
    for name, value in DEFAULTS.items():
        os.environ.setdefault(name, value)
    return [str(tracer), sys.executable]
