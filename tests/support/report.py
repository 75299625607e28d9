"""An outbreak of early 404s, and the case built from it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from mediapipe.escalation.report.case import Case, build_case
from mediapipe.escalation.report.figures import CaseFigures, compute_figures
from mediapipe.escalation.report.package import preview_package
from mediapipe.models import MediaItem
from tests.support import early_404s

NOON = datetime(2026, 3, 2, 12, 10, tzinfo=UTC)
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)


def outbreak() -> list[MediaItem]:
    """Take in three items with early 404s, one of them never found, and two without."""
    return [
        early_404s.media(NOON, not_found_s=[0.1, 1.2], found_s=3.1),
        early_404s.media(NOON + MINUTE, not_found_s=[0.2], found_s=1.4),
        early_404s.media(NOON + MINUTE, not_found_s=[0.1, 1.1, 3.2]),
        early_404s.media(NOON + MINUTE, found_s=0.2),
        early_404s.media(NOON + HOUR, found_s=0.3),
    ]


def case(**options: Any) -> Case:
    return build_case(MediaItem.objects.all(), **options)


def figures(**options: Any) -> CaseFigures:
    return compute_figures(case(**options))


def text(**options: Any) -> str:
    return preview_package(case(**options)).message
