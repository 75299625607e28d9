"""Leases and timeouts of seconds instead of minutes, so that a test takes seconds too."""

from datetime import timedelta

from mediapipe.fetching import attempt as fetch
from mediapipe.fetching import schedule
from mediapipe.gateway import capture, deliver
from mediapipe.models import gateway_deliveries, gateway_queryset
from mediapipe.models.media import item, queryset, recovery
from mediapipe.queueing import watchdog

LEASE_S = 5.0
RECORD_FOR_S = 4.0
WEB_STUCK_S = 5.0
TAKEOVER_S = 3.0
DELIVERY_TIMEOUT_S = 4.0

# Connect and read timeouts are shorter than the lease, as in production: a silent server does
# not cost the lease.
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
# For a service that keeps those of production.
NONE = {"REAL_TIMEOUTS": "1"}


def shorten() -> None:
    """Set the short leases and timeouts in every module that imports them."""
    lease = timedelta(seconds=LEASE_S)
    item.LEASE = vars(recovery)["LEASE"] = recovery.SILENT_AFTER = lease
    item.TAKEOVER_AFTER = timedelta(seconds=TAKEOVER_S)
    fetch.RENEW_EVERY_S = TAKEOVER_S / 2
    vars(gateway_deliveries)["LEASE"] = lease
    deliver.RECORD_FOR_S = RECORD_FOR_S
    gateway_queryset.OURS_AFTER = capture.RESERVED_FOR = timedelta(seconds=DELIVERY_TIMEOUT_S)
    for module in (item, queryset, recovery, gateway_queryset):
        assert "DELIVERY_TIMEOUT" in vars(module)
        vars(module)["DELIVERY_TIMEOUT"] = timedelta(seconds=DELIVERY_TIMEOUT_S)
    schedule.LOCAL_FAILURE_DELAY_S = 2.0
    watchdog.web_threads.limit_s = WEB_STUCK_S
