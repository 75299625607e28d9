import os

from django.apps import AppConfig


class FaultsConfig(AppConfig):
    """Loaded into web, worker and beat by tests.faults.settings."""

    name = "tests.faults"

    def ready(self) -> None:
        from tests.faults import clock, failpoints, short_timeouts

        if "REAL_TIMEOUTS" not in os.environ:
            short_timeouts.shorten()
        failpoints.install()
        clock.follow()
