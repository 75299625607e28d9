"""Our application for gevent's pool, where psycopg2 would hold up everybody while it waits.

Not among our requirements: `pip install gevent psycogreen`, and the benchmark measures it too.
"""

from psycogreen.gevent import patch_psycopg

from mediapipe.celery import app

__all__ = ["app"]

patch_psycopg()
