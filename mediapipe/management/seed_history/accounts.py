"""Rows about accounts and API clients: health, reconciliations, rejections, tokens."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from random import Random

from mediapipe.management.seed_history.arrivals import REFUSED_FOR
from mediapipe.models import AccountHealth, ApiToken, Reconciliation, Rejection
from mediapipe.models.accounts import PROBE_EVERY

DAY = timedelta(days=1)
DAYS = 14
# The reason, the upper bound of its count per day (exclusive), and whether it occurs every day.
REJECTIONS = (
    ("signature_wrong", 40, True),
    ("signature_missing", 12, True),
    ("body_hash", 3, False),
)


def account_health(accounts: list[str], until: datetime) -> Iterator[AccountHealth]:
    """Yield the health of these three accounts: healthy, rate-limited before, and refused now."""
    healthy, limited, refused = accounts
    yield AccountHealth(account_sid=healthy)
    yield AccountHealth(account_sid=limited, limited_at=until - 2 * DAY)
    yield AccountHealth(
        account_sid=refused,
        refusals=3,
        refused_since=until - REFUSED_FOR,
        paused_at=until - REFUSED_FOR,
        probe_at=until + PROBE_EVERY,
    )


def reconciliations(accounts: list[str], until: datetime, rng: Random) -> Iterator[Reconciliation]:
    """Yield a scheduled run per day and account, and a manual one that was interrupted."""
    midnight = until.replace(hour=0, minute=0, second=0, microsecond=0)
    for day in range(DAYS, 0, -1):
        end = midnight - (day - 1) * DAY
        for account_sid in accounts:
            yield Reconciliation(
                account_sid=account_sid,
                since=end - DAY,
                until=end,
                done_until=end,
                scheduled=True,
                started_at=end,
                touched_at=end + timedelta(seconds=rng.uniform(2, 40)),
                finished_at=end + timedelta(seconds=rng.uniform(40, 50)),
                looked_at=rng.randrange(20, 400),
                taken_in=rng.choices((0, 1, 4), (12, 2, 1))[0],
            )
    yield Reconciliation(
        account_sid=accounts[-1],
        since=until - 3 * DAY,
        until=until,
        done_until=until - 2 * DAY,
        started_at=until - timedelta(hours=1),
        touched_at=until - timedelta(minutes=55),
        looked_at=112,
        error="unauthorized",
    )


def rejections(until: datetime, rng: Random) -> Iterator[Rejection]:
    """Yield counts of rejected webhooks in the last DAYS days, each for a reason and an hour."""
    last_hour = until.replace(minute=0, second=0, microsecond=0) - timedelta(hours=1)
    for reason, most, daily in REJECTIONS:
        for day in range(DAYS if daily else 1):
            hour = last_hour - day * DAY - timedelta(hours=rng.randrange(12))
            last_at = hour + timedelta(seconds=rng.uniform(0, 3600))
            count = rng.randrange(1, most)
            yield Rejection(reason=reason, hour=hour, count=count, last_at=last_at)


def api_tokens(accounts: list[str], until: datetime, rng: Random) -> Iterator[ApiToken]:
    """Yield active, restricted, expired and revoked tokens; their digests are random."""
    dates = {
        "crm": {"last_used_at": until - timedelta(minutes=3)},
        "reporting": {"last_used_at": until - DAY, "expires_at": until + 90 * DAY},
        "old website": {"last_used_at": until - 9 * DAY, "revoked_at": until - 8 * DAY},
        "agency": {"expires_at": until - 2 * DAY},
    }
    for name, columns in dates.items():
        yield ApiToken(
            name=name,
            accounts=accounts[0] if name == "reporting" else "",
            digest=f"{rng.getrandbits(256):064x}",
            created_at=until - 20 * DAY,
            **columns,
        )
