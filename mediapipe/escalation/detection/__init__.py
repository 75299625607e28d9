"""Detects incidents: every minute, from the database rows alone."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from mediapipe.escalation.detection.apps import detect_refusing_apps
from mediapipe.escalation.detection.counts import Counts, by_account, escalation_window
from mediapipe.escalation.detection.credentials import detect_wrong_credentials
from mediapipe.escalation.detection.failures import detect_failures
from mediapipe.escalation.detection.hand_offs import detect_failing_hand_offs
from mediapipe.escalation.detection.propagation import detect_late_propagation
from mediapipe.escalation.detection.queue import detect_queue_delay
from mediapipe.timing.period import Period

# Each opens, updates and resolves the incidents of its causes. In this order: failures that an
# incident of another cause explains are not counted again.
DETECTORS: tuple[Callable[[Period, dict[str, Counts]], None], ...] = (
    detect_queue_delay,
    detect_wrong_credentials,
    detect_late_propagation,
    detect_failures,
    detect_failing_hand_offs,
    detect_refusing_apps,
)


def run_detectors(now: datetime) -> None:
    """Run each detector on the ESCALATION_WINDOW that ends now.

    Two concurrent runs open only one incident, and record each of its steps only once.
    """
    period = escalation_window(now)
    accounts = by_account(period)
    for detect in DETECTORS:
        detect(period, accounts)
