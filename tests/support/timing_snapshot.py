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


def results(name: str) -> dict[str, Any]:
    """Return the results for the named period, which ends when the history ends."""
    from mediapipe.timing.distribution import attempts_until_stored, delay_distribution
    from mediapipe.timing.hourly import tallies_of
    from mediapipe.timing.period import Period
    from mediapipe.timing.selection import Selection, filter_choices
    from mediapipe.timing.summary import TimingSummary
    from mediapipe.timing.tally import Tally
    from mediapipe.timing.time_series import early_over_time, summaries_over_time

    period = Period.named(name, UNTIL)
    tallies = tallies_of(Selection(period))
    whole = Tally.sum(tallies.values())
    summaries = summaries_over_time(period, tallies)
    return {
        "figures": asdict(TimingSummary.from_tally(whole)),
        "over_time": {str(at): asdict(of) for at, of in summaries.items()},
        "early": {str(at): asdict(of) for at, of in early_over_time(period, tallies).items()},
        "distribution": asdict(delay_distribution(whole)),
        "attempts": attempts_until_stored(whole),
        "webhooks": whole.webhooks,
        "choices": filter_choices(),
    }


if __name__ == "__main__":
    django.setup()
    from django.core.management import call_command

    call_command("migrate", verbosity=0)
    call_command("seed_history", media=2000, days=10, until=UNTIL, stdout=StringIO())
    json.dump({name: results(name) for name in ("1h", "24h", "7d")}, sys.stdout)
