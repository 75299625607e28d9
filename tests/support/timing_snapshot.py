"""Prints the timing queries' results for a seeded history on the database of DATABASE_URL."""

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
    """Return the results for a period that ends with the history."""
    from mediapipe.timing.distribution import attempts_until_stored, delay_distribution
    from mediapipe.timing.period import Period
    from mediapipe.timing.selection import Selection, filter_choices
    from mediapipe.timing.summary import summarize
    from mediapipe.timing.time_series import early_over_time, summaries_over_time

    selection = Selection(Period.named(name, UNTIL))
    return {
        "figures": asdict(summarize(selection.media())),
        "over_time": {str(at): asdict(of) for at, of in summaries_over_time(selection).items()},
        "early": {str(at): asdict(of) for at, of in early_over_time(selection).items()},
        "distribution": asdict(delay_distribution(selection)),
        "attempts": attempts_until_stored(selection),
        "webhooks": selection.webhooks(),
        "choices": filter_choices(),
    }


if __name__ == "__main__":
    django.setup()
    from django.core.management import call_command

    call_command("migrate", verbosity=0)
    call_command("seed_history", media=2000, days=10, until=UNTIL, stdout=StringIO())
    json.dump({name: answers(name) for name in ("1h", "24h", "7d")}, sys.stdout)
