"""OpenTelemetry, configured by its own environment variables; no other code knows of it."""

import os
import sys
from pathlib import Path

from django.core.exceptions import ImproperlyConfigured

# Every exporter of OpenTelemetry reads it, so its presence enables tracing.
ENDPOINT = "OTEL_EXPORTER_OTLP_ENDPOINT"
DEFAULTS = {
    "OTEL_SERVICE_NAME": "mediapipe",
    # The default, gRPC, is not installed.
    "OTEL_EXPORTER_OTLP_PROTOCOL": "http/protobuf",
    "OTEL_METRICS_EXPORTER": "none",
    "OTEL_LOGS_EXPORTER": "none",
    # A request's span contains its URL; the URL of a webhook sent by GET is the whole webhook.
    "OTEL_PYTHON_DJANGO_EXCLUDED_URLS": "webhooks,healthz,readyz,metrics",
}


def python() -> list[str]:
    """Return the start of a program's command: Python, instrumented if tracing is enabled.

    Raise ImproperlyConfigured if the packages for tracing are missing.
    """
    if not os.environ.get(ENDPOINT):
        return [sys.executable]
    tracer = Path(sys.executable).with_name("opentelemetry-instrument")
    if not tracer.exists():
        raise ImproperlyConfigured(
            f"{ENDPOINT} needs more packages: pip install --require-hashes "
            "-r requirements/telemetry.txt, or build the image with EXTRAS=telemetry."
        )
    for name, value in DEFAULTS.items():
        os.environ.setdefault(name, value)
    return [str(tracer), sys.executable]
