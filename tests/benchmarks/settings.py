"""The service's own settings, with the views beside it that it is compared with."""

from mediapipe.settings import *  # noqa: F403  (all of them, or it would be another service)

ROOT_URLCONF = "tests.benchmarks.bare"
