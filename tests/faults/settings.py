"""The service's own settings, plus the failpoints and short leases of the tests."""

from mediapipe.settings import *  # noqa: F403
from mediapipe.settings import INSTALLED_APPS as REAL_APPS
from mediapipe.settings import STORAGES as REAL_STORAGES

INSTALLED_APPS = [*REAL_APPS, "tests.faults.apps.FaultsConfig"]
STORAGES = REAL_STORAGES | {
    "media": REAL_STORAGES["media"] | {"BACKEND": "tests.faults.failpoints.FaultyStorage"}
}
