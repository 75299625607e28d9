"""Every setting of the service, from the environment or a `.env` file beside manage.py.

The names are listed in the README; a value that cannot be read stops the start with one sentence.
"""

import ipaddress
from pathlib import Path
from typing import Any

import django_stubs_ext
import environ

from mediapipe import configuration, notification_settings, sentry
from mediapipe.queues import HOUSEKEEPING, MEDIA, RETRIES

django_stubs_ext.monkeypatch()

BASE_DIR = Path(__file__).resolve().parent.parent

env = environ.Env()
environ.Env.read_env(BASE_DIR / ".env")

# Where data lives

DATA_DIR = configuration.folder(env, "DATA_DIR", BASE_DIR / "var")
SPOOL_DIR = Path(configuration.text(env, "SPOOL_DIR", str(DATA_DIR / "spool")))
# Some hours of an outage; a webhook is a file of a few kilobytes.
SPOOL_MAX_FILES = configuration.whole_number(env, "SPOOL_MAX_FILES", default=10_000)

# Django

DEBUG = configuration.boolean(env, "DJANGO_DEBUG", default=False)
SECRET_KEY = configuration.text(env, "DJANGO_SECRET_KEY") or configuration.kept_secret(
    DATA_DIR / "secret_key"
)
PUBLIC_BASE_URL = configuration.base_url(env, "PUBLIC_BASE_URL")
WEB_BIND = configuration.text(env, "WEB_BIND", "127.0.0.1:8000")
ALLOWED_HOSTS = configuration.allowed_hosts(
    configuration.listed(env, "DJANGO_ALLOWED_HOSTS"), PUBLIC_BASE_URL
)
CSRF_TRUSTED_ORIGINS = [configuration.origin(PUBLIC_BASE_URL)] if PUBLIC_BASE_URL else []

INSTALLED_APPS = [
    "mediapipe.apps.MediapipeConfig",
    "mediapipe.apps.MediaAdminConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django_celery_results",
]
MIDDLEWARE = [
    "mediapipe.request_ids.RequestIds",
    "django.middleware.security.SecurityMiddleware",
    "mediapipe.security.ContentSecurityPolicy",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]
TEMPLATES: list[dict[str, Any]] = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ],
        },
    },
]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator"},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]
ROOT_URLCONF = "mediapipe.urls"
WSGI_APPLICATION = "mediapipe.wsgi.application"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
# A redirect to the same URL with a slash would break the signature, which covers the URL.
APPEND_SLASH = False
USE_TZ = True
TIME_ZONE = configuration.time_zone(env, "TIME_ZONE")
LANGUAGE_CODE = "en-us"
USE_I18N = False
# The formats of a language win over DATETIME_FORMAT here, whether or not anything is translated.
FORMAT_MODULE_PATH = "mediapipe.formats"
STATIC_URL = "static/"
STATIC_ROOT = DATA_DIR / "static"
STATIC_ROOT.mkdir(exist_ok=True)
# WhiteNoise then serves the apps' own files, so that no collectstatic stands before `make run`.
WHITENOISE_USE_FINDERS = True

if PUBLIC_BASE_URL.startswith("https://"):
    # Only here is there a proxy for sure that speaks TLS for us and sets this header itself.
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
    SESSION_COOKIE_SECURE = True
    CSRF_COOKIE_SECURE = True
    # Short, because browsers do not forget it before its time when TLS breaks.
    SECURE_HSTS_SECONDS = configuration.whole_number(
        env, "DJANGO_HSTS_SECONDS", default=3600, least=0
    )
SILENCED_SYSTEM_CHECKS = [
    # HSTS for subdomains and in browsers' preload lists binds hosts that are not ours.
    "security.W005",
    "security.W021",
    # The proxy redirects to https. Here a redirect would loop behind one that sets no header,
    # and would turn away health checks, which come past the proxy over plain HTTP.
    "security.W008",
]
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"

# Database

DATABASES = {"default": configuration.database(env, "DATABASE_URL", DATA_DIR / "mediapipe.sqlite3")}

# Celery

EMBEDDED_BROKER_SOCKET = configuration.socket_path(DATA_DIR)
CELERY_BROKER_URL = configuration.broker_url(
    env, "CELERY_BROKER_URL", f"redis+socket://{EMBEDDED_BROKER_SOCKET}"
)
EMBEDDED_BROKER = f"redis+socket://{EMBEDDED_BROKER_SOCKET}" == CELERY_BROKER_URL
CELERY_BROKER_TRANSPORT_OPTIONS = configuration.transport_options(CELERY_BROKER_URL)
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
QUEUE_TYPE = configuration.queue_type(env, "QUEUE_TYPE", CELERY_BROKER_URL)
if QUEUE_TYPE == "quorum":
    CELERY_TASK_DEFAULT_QUEUE_TYPE = CELERY_TASK_CREATE_MISSING_QUEUE_TYPE = "quorum"
    # On these RabbitMQ itself lets messages wait, which takes exchanges of this type.
    CELERY_TASK_DEFAULT_EXCHANGE_TYPE = "topic"
    CELERY_TASK_CREATE_MISSING_QUEUE_EXCHANGE_TYPE = "topic"
CELERY_RESULT_BACKEND = "django-db"
CELERY_RESULT_EXTENDED = True
# Celery's own clean-up deletes all at once, which locks the table; tasks/purge.py does it instead.
CELERY_RESULT_EXPIRES = None
CELERY_TASK_ACKS_LATE = True
# Without this a message is acknowledged when its pool process dies, and never runs again.
CELERY_TASK_REJECT_ON_WORKER_LOST = True
CELERY_TASK_SERIALIZER = CELERY_RESULT_SERIALIZER = "json"
CELERY_ACCEPT_CONTENT = ["json"]
CELERY_TASK_DEFAULT_QUEUE = MEDIA
# So many messages at most does the sweep put into a queue; one account's webhooks half of it.
QUEUE_MAX_MESSAGES = configuration.whole_number(env, "QUEUE_MAX_MESSAGES", default=1000, least=2)
CELERY_TASK_ROUTES = {
    "tasks.redispatch.*": {"queue": HOUSEKEEPING},
    "tasks.close_incidents.*": {"queue": HOUSEKEEPING},
    "tasks.check_escalation.*": {"queue": HOUSEKEEPING},
    "tasks.sweep_files.*": {"queue": HOUSEKEEPING},
    "tasks.retry_jobs.*": {"queue": HOUSEKEEPING},
    "tasks.reconcile.*": {"queue": HOUSEKEEPING},
    "tasks.purge.*": {"queue": HOUSEKEEPING},
    "tasks.count.*": {"queue": HOUSEKEEPING},
    "tasks.notify.sweep_notices": {"queue": HOUSEKEEPING},
    # One run at a time: a receiver that hangs holds up no more than a few threads.
    "tasks.hand_off.*": {"queue": HOUSEKEEPING},
    "tasks.delete_at_twilio.*": {"queue": HOUSEKEEPING},
    # Each may wait for a while for somebody else's server, which no sweep may have to wait for.
    "tasks.notify.notify": {"queue": RETRIES},
    "celery.*": {"queue": HOUSEKEEPING},
}
# A low multiplier makes waiting countdowns late on RabbitMQ, because its prefetch grows slowly.
CELERY_WORKER_PREFETCH_MULTIPLIER = 16
# Fetching is waiting for a far server: threads carry many downloads in one process.
CELERY_WORKER_POOL = "threads"
CELERY_WORKER_CONCURRENCY = configuration.whole_number(env, "WORKER_CONCURRENCY", default=16)
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_WORKER_CANCEL_LONG_RUNNING_TASKS_ON_CONNECTION_LOSS = False
# After a lost connection each finished task would restore the prefetch count from its own thread,
# and wait there for an answer that another thread reads: the worker hangs for good (AMQP).
CELERY_WORKER_ENABLE_PREFETCH_COUNT_REDUCTION = False
# Touched every ten seconds by a worker or beat that lives: the health check of its container.
HEARTBEAT_FILE = configuration.text(env, "HEARTBEAT_FILE")
CELERY_TIMEZONE = "UTC"
CELERY_BEAT_SCHEDULER = "mediapipe.beat:Scheduler"
CELERY_BEAT_SCHEDULE_FILENAME = str(DATA_DIR / "beat-schedule")
REDISPATCH_INTERVAL_S = configuration.seconds(env, "REDISPATCH_INTERVAL", default="5s")
CELERY_BEAT_SCHEDULE = {
    "redispatch": {
        "task": "tasks.redispatch.redispatch",
        "schedule": REDISPATCH_INTERVAL_S,
        # While no worker listens, old sweeps expire instead of piling up in the broker.
        "options": {"expires": REDISPATCH_INTERVAL_S},
    },
    # The admin works off the first batch of a job itself, and this the others.
    "retry_jobs": {
        "task": "tasks.retry_jobs.work_off_retries",
        "schedule": REDISPATCH_INTERVAL_S,
        "options": {"expires": REDISPATCH_INTERVAL_S},
    },
    "sweep_notices": {
        "task": "tasks.notify.sweep_notices",
        "schedule": REDISPATCH_INTERVAL_S,
        "options": {"expires": REDISPATCH_INTERVAL_S},
    },
    "hand_off": {
        "task": "tasks.hand_off.hand_off",
        "schedule": REDISPATCH_INTERVAL_S,
        "options": {"expires": REDISPATCH_INTERVAL_S},
    },
    "delete_at_twilio": {
        "task": "tasks.delete_at_twilio.delete_at_twilio",
        "schedule": 30.0,
        "options": {"expires": 30.0},
    },
    "close_incidents": {
        "task": "tasks.close_incidents.close_incidents",
        "schedule": 30.0,
        "options": {"expires": 30.0},
    },
    "check_escalation": {
        "task": "tasks.check_escalation.check_escalation",
        "schedule": 60.0,
        "options": {"expires": 60.0},
    },
    "sweep_files": {
        "task": "tasks.sweep_files.sweep_files",
        "schedule": 3600.0,
        "options": {"expires": 3600.0},
    },
    "count": {
        "task": "tasks.count.count",
        "schedule": 15.0,
        "options": {"expires": 15.0},
    },
    "purge": {
        "task": "tasks.purge.purge",
        "schedule": 300.0,
        "options": {"expires": 300.0},
    },
}

# Twilio

TWILIO_ACCOUNT_SID = configuration.text(env, "TWILIO_ACCOUNT_SID")
TWILIO_AUTH_TOKEN = configuration.text(env, "TWILIO_AUTH_TOKEN")
TWILIO_API_KEY = configuration.text(env, "TWILIO_API_KEY")
TWILIO_API_SECRET = configuration.text(env, "TWILIO_API_SECRET")
TWILIO_ACCOUNTS_FILE = configuration.text(env, "TWILIO_ACCOUNTS_FILE")
# What becomes of it at Twilio when a media item is stored; the accounts file has its own key.
TWILIO_AFTER_STORING = configuration.text(env, "TWILIO_AFTER_STORING", "keep")
TWILIO_DELETE_AFTER_S = configuration.seconds(env, "TWILIO_DELETE_AFTER", default="1d")
TWILIO_API_HOSTS = [host.rstrip("/") for host in configuration.listed(env, "TWILIO_API_HOSTS")]
# Where messages and recordings are listed: accounts of another region have another.
TWILIO_API_URL = configuration.base_url(env, "TWILIO_API_URL", "https://api.twilio.com")
# Conversations name their media without a URL, so it is looked for here: each region has its own.
TWILIO_MCS_URL = configuration.base_url(env, "TWILIO_MCS_URL", "https://mcs.us1.twilio.com")
# Twilio's largest known webhook is some tens of kilobytes.
WEBHOOK_MAX_BYTES = 1024 * 1024
# More than fit into a request line of gunicorn's: Django raises over a query with more where
# nobody answers for it, which would be a 500. The webhook itself is capped by our own reader.
DATA_UPLOAD_MAX_NUMBER_FIELDS = 5000

# Fetching

MEDIA_REDIRECT_HOSTS = configuration.listed(env, "MEDIA_REDIRECT_HOSTS")
MEDIA_ALLOWED_NETWORKS = configuration.parsed(
    env, "MEDIA_ALLOWED_NETWORKS", ipaddress.ip_network, example="10.1.0.0/16,127.0.0.0/8"
)
MEDIA_MAX_BYTES = configuration.whole_number(env, "MEDIA_MAX_BYTES", default=100 * 1024 * 1024)
MEDIA_CONNECT_TIMEOUT_S = configuration.seconds(env, "MEDIA_CONNECT_TIMEOUT", default="5s")
MEDIA_READ_TIMEOUT_S = configuration.seconds(env, "MEDIA_READ_TIMEOUT", default="20s")
MEDIA_TOTAL_TIMEOUT_S = configuration.seconds(env, "MEDIA_TOTAL_TIMEOUT", default="300s")

# Storage

STORAGE_URL = configuration.text(env, "STORAGE_URL")
MEDIA_ROOT = configuration.text(env, "MEDIA_ROOT", str(DATA_DIR / "media"))
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "media": configuration.media_storage(STORAGE_URL, MEDIA_ROOT),
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
}

# Retries

RETRY_FIRST_DELAY_S = configuration.seconds(env, "RETRY_FIRST_DELAY", default="1s")
RETRY_FACTOR = configuration.factor(env, "RETRY_FACTOR", default="2")
RETRY_MAX_DELAY_S = configuration.seconds(env, "RETRY_MAX_DELAY", default="60s")
RETRY_FAST_WINDOW_S = configuration.seconds(env, "RETRY_FAST_WINDOW", default="300s")
RETRY_SLOW_SCHEDULE_S = configuration.seconds_list(
    env, "RETRY_SLOW_SCHEDULE", default="10m,30m,1h,3h,6h,12h,24h"
)

# Escalation

# Twilio Support asks for evidence when early 404s come in dozens a day.
ESCALATION_THRESHOLD = configuration.whole_number(env, "ESCALATION_THRESHOLD", default=24)
# From this attempt on the metadata is asked now and then whose fault a 404 is; 0: never.
METADATA_FROM_ATTEMPT = configuration.whole_number(env, "METADATA_FROM_ATTEMPT", default=4, least=0)
ESCALATION_WINDOW_S = configuration.seconds(env, "ESCALATION_WINDOW", default="24h")

# Retention: after how many days what is deleted, 0 is never

RETENTION_DAYS = configuration.days(env, "RETENTION_DAYS", default=0)
RETENTION_PAYLOADS_DAYS = configuration.days(env, "RETENTION_PAYLOADS_DAYS", default=RETENTION_DAYS)
RETENTION_ATTEMPTS_DAYS = configuration.days(env, "RETENTION_ATTEMPTS_DAYS", default=RETENTION_DAYS)
RETENTION_FILES_DAYS = configuration.days(env, "RETENTION_FILES_DAYS", default=RETENTION_DAYS)
# A row a task, of no use to anybody after a while, whatever else is kept for ever.
RETENTION_RESULTS_DAYS = configuration.days(
    env, "RETENTION_RESULTS_DAYS", default=RETENTION_DAYS or 30
)

# Hand-off

ON_STORED_TASK = configuration.text(env, "ON_STORED_TASK")
ON_STORED_QUEUE = configuration.text(env, "ON_STORED_QUEUE", "handoff")
HANDOFF_WEBHOOK_URL = notification_settings.receiver(env, "HANDOFF_WEBHOOK_URL")
HANDOFF_WEBHOOK_SECRETS = notification_settings.signing_secrets(env, "HANDOFF_WEBHOOK_SECRET")

API_LINK_LIFETIME_S = configuration.seconds(env, "API_LINK_LIFETIME", default="5m")

# Notification

ESCALATION_EMAILS = notification_settings.addresses(env, "ESCALATION_EMAILS")
DEFAULT_FROM_EMAIL = notification_settings.sender(env, "DEFAULT_FROM_EMAIL", PUBLIC_BASE_URL)
EMAIL_URL = configuration.text(env, "EMAIL_URL")
# EMAIL_BACKEND, EMAIL_HOST and the others that Django knows.
globals().update(notification_settings.mail_server(env, "EMAIL_URL"))
ESCALATION_WEBHOOK_URL = notification_settings.receiver(env, "ESCALATION_WEBHOOK_URL")
ESCALATION_WEBHOOK_SECRETS = notification_settings.signing_secrets(env, "ESCALATION_WEBHOOK_SECRET")
ESCALATION_SLACK_URL = notification_settings.receiver(env, "ESCALATION_SLACK_URL")

# Reconciliation

RECONCILE_EVERY_S = configuration.seconds(env, "RECONCILE_EVERY", default="0")
RECONCILE_WINDOW_S = configuration.seconds(env, "RECONCILE_WINDOW", default="24h")
if RECONCILE_EVERY_S:
    CELERY_BEAT_SCHEDULE["reconcile"] = {
        "task": "tasks.reconcile.reconcile",
        "schedule": RECONCILE_EVERY_S,
        "options": {"expires": RECONCILE_EVERY_S},
    }

# Logging

LOG_FORMAT = configuration.text(env, "LOG_FORMAT", "text")
LOG_LEVEL = configuration.text(env, "LOG_LEVEL", "INFO").upper()
LOGGING = configuration.logging(LOG_FORMAT, LOG_LEVEL)

# Exceptions

SENTRY_DSN = configuration.base_url(env, "SENTRY_DSN")
if SENTRY_DSN:
    sentry.configure(SENTRY_DSN)
