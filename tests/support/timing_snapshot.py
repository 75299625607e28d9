"""Prints what one made-up history answers about timing on the database of DATABASE_URL."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict
from datetime import UTC, datetime
from io import StringIO
from typing import Any

import django

UNTIL = datetime(2026, 7, 1, 12, 34, 56, tzinfo=UTC)


def answers(name: str) -> dict[str, Any]:
    """Return what is found out about a period that ends with the history."""
    from mediapipe.timing.delays import figures
    from mediapipe.timing.distribution import distribution
    from mediapipe.timing.outcomes import attempts_until_stored
    from mediapipe.timing.over_time import early_over_time, over_time
    from mediapipe.timing.period import Period
    from mediapipe.timing.selection import Selection, choices

    selection = Selection(Period.named(name, UNTIL))
    return {
        "figures": asdict(figures(selection.media())),
        "over_time": {str(at): asdict(of) for at, of in over_time(selection).items()},
        "early": {str(at): asdict(of) for at, of in early_over_time(selection).items()},
        "distribution": asdict(distribution(selection)),
        "attempts": attempts_until_stored(selection),
        "webhooks": selection.webhooks(),
        "choices": choices(),
    }


if __name__ == "__main__":
    django.setup()
    from django.core.management import call_command

    call_command("migrate", verbosity=0)
    call_command("seed_history", media=2000, days=10, until=UNTIL, stdout=StringIO())
    json.dump({name: answers(name) for name in ("1h", "24h", "7d")}, sys.stdout)
