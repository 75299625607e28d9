"""Celery's options that do not depend on the environment; the settings import all of them."""

import sys

from mediapipe.settings.broker import HEARTBEAT_S
from mediapipe.settings.queues import MEDIA, ROUTES

CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_BROKER_CONNECTION_MAX_RETRIES = None
# For a worker's AMQP connection; for Redis it is a transport option.
CELERY_BROKER_HEARTBEAT = HEARTBEAT_S
# A broker that refuses a command, such as a replica, may accept it later: do not exit.
CELERY_BROKER_CHANNEL_ERROR_RETRY = True
CELERY_WORKER_CONSUMER = "mediapipe.queueing.celery_consumer:Consumer"
CELERY_RESULT_BACKEND = "mediapipe.queueing.result_backend:Backend"
CELERY_RESULT_EXTENDED = True
# Celery's clean-up deletes everything in one statement; tasks/purge.py deletes in batches.
CELERY_RESULT_EXPIRES = None
CELERY_TASK_ACKS_LATE = True
# Without this the message of a pool process that dies is acknowledged, and its task is lost.
CELERY_TASK_REJECT_ON_WORKER_LOST = True
CELERY_TASK_SERIALIZER = CELERY_RESULT_SERIALIZER = "json"
CELERY_ACCEPT_CONTENT = ["json"]
CELERY_TASK_DEFAULT_QUEUE = MEDIA
CELERY_TASK_ROUTES = ROUTES
# On RabbitMQ each waiting countdown raises the prefetch count, but slowly: from a low start, due
# messages would wait behind those that are not due yet.
CELERY_WORKER_PREFETCH_MULTIPLIER = 16
# A fetch mostly waits for a remote server, so threads suffice.
CELERY_WORKER_POOL = "threads"
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
# Whoever can publish to the broker could otherwise shut workers down or revoke their tasks.
CELERY_WORKER_ENABLE_REMOTE_CONTROL = False
CELERY_WORKER_CANCEL_LONG_RUNNING_TASKS_ON_CONNECTION_LOSS = False
# After a lost connection each finished task would restore the prefetch count from its own thread,
# and wait there for a response that another thread reads: over AMQP the worker hangs forever.
CELERY_WORKER_ENABLE_PREFETCH_COUNT_REDUCTION = False
# Celery would close the database connection around each task: mediapipe/celery.py decides instead.
# Not for the gevent pool, in which each task would leak a connection.
CELERY_DB_REUSE_MAX = sys.maxsize
CELERY_TIMEZONE = "UTC"
CELERY_BEAT_SCHEDULER = "mediapipe.queueing.beat_scheduler:Scheduler"
