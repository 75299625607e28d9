"""The service's own settings, with the test's failpoints and short leases put in."""

from mediapipe.settings import *  # noqa: F403
from mediapipe.settings import INSTALLED_APPS as REAL_APPS
from mediapipe.settings import STORAGES as REAL_STORAGES

INSTALLED_APPS = [*REAL_APPS, "tests.faults.apps.FaultsConfig"]
STORAGES = REAL_STORAGES | {
    "media": REAL_STORAGES["media"] | {"BACKEND": "tests.faults.failpoints.FaultyStorage"}
}
