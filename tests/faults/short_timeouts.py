"""Leases and timeouts of seconds instead of minutes, so that a test takes seconds too."""

from datetime import timedelta

from mediapipe.fetching import attempt as fetch
from mediapipe.fetching import schedule
from mediapipe.models.media import item, queryset, recovery

LEASE_S = 5.0
TAKEOVER_S = 3.0
DELIVERY_TIMEOUT_S = 4.0

# Shorter than the lease, as they are in production: a silent server does not cost the lease.
ENVIRONMENT = {
    "MEDIA_CONNECT_TIMEOUT": "1s",
    "MEDIA_READ_TIMEOUT": "3s",
    "MEDIA_TOTAL_TIMEOUT": "12s",
    "REDISPATCH_INTERVAL": "1",
    "RETRY_FIRST_DELAY": "0.5s",
    "RETRY_MAX_DELAY": "2s",
    "RETRY_FAST_WINDOW": "60s",
    "RETRY_SLOW_SCHEDULE": "3s,5s",
}
# Of a service that keeps the real ones.
NONE = {"REAL_TIMEOUTS": "1"}


def shorten() -> None:
    """Set short leases in every module that binds the name."""
    lease = timedelta(seconds=LEASE_S)
    item.LEASE = vars(recovery)["LEASE"] = recovery.SILENT_AFTER = lease
    item.TAKEOVER_AFTER = timedelta(seconds=TAKEOVER_S)
    fetch.RENEW_EVERY_S = TAKEOVER_S / 2
    for module in (item, queryset, recovery):
        assert "DELIVERY_TIMEOUT" in vars(module)
        vars(module)["DELIVERY_TIMEOUT"] = timedelta(seconds=DELIVERY_TIMEOUT_S)
    schedule.LOCAL_FAILURE_DELAY_S = 2.0
