"""OpenTelemetry's own variable switches traces on; they never contain the URL of a webhook."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest
from django.core.exceptions import ImproperlyConfigured

from mediapipe.operations import programs, tracing


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in (tracing.ENDPOINT, *tracing.DEFAULTS):
        # Setting it first makes monkeypatch also undo what the code sets.
        monkeypatch.setenv(name, "")
        monkeypatch.delenv(name)


@pytest.fixture
def installed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> str:
    """Pretend that the packages are installed next to this Python; return the tracer's path."""
    tracer = tmp_path / "opentelemetry-instrument"
    tracer.touch()
    monkeypatch.setattr(sys, "executable", str(tmp_path / "python"))
    return str(tracer)


@pytest.mark.usefixtures("installed")
def test_without_an_endpoint_nothing_is_traced() -> None:
    assert tracing.python() == [sys.executable]


def test_with_an_endpoint_every_program_is_traced(
    monkeypatch: pytest.MonkeyPatch, installed: str
) -> None:
    monkeypatch.setenv(tracing.ENDPOINT, "http://collector:4318")
    for program in (programs.web("127.0.0.1:1"), programs.worker(), programs.beat()):
        assert program.command[:2] == [installed, sys.executable]


@pytest.mark.usefixtures("installed")
def test_webhooks_are_not_traced_by_default_and_the_service_name_is_kept(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv(tracing.ENDPOINT, "http://collector:4318")
    monkeypatch.setenv("OTEL_SERVICE_NAME", "mine")
    tracing.python()
    assert "webhooks" in os.environ["OTEL_PYTHON_DJANGO_EXCLUDED_URLS"]
    assert os.environ["OTEL_SERVICE_NAME"] == "mine"


def test_the_error_for_missing_packages_names_the_requirements_file(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv(tracing.ENDPOINT, "http://collector:4318")
    monkeypatch.setattr(sys, "executable", str(tmp_path / "python"))
    with pytest.raises(ImproperlyConfigured, match=r"requirements/telemetry\.txt"):
        tracing.python()


def test_no_package_traces_the_requests_to_signed_links() -> None:
    pinned = (
        Path(__file__).resolve().parent.parent.parent / "requirements" / "telemetry.txt"
    ).read_text()
    for library in ("requests", "urllib3", "urllib"):
        assert f"opentelemetry-instrumentation-{library}==" not in pinned
