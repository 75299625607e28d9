"""The service's own settings, with the bare views for comparison."""

from mediapipe.settings import *  # noqa: F403  (all of them, or it would be another service)

ROOT_URLCONF = "tests.benchmarks.bare"
