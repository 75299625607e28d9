"""Every setting of the service, from the environment or a `.env` file beside manage.py.

The names are listed in the README; a value that cannot be read stops the start with one sentence.
"""

import ipaddress
from datetime import timedelta
from pathlib import Path
from typing import Any

import django_stubs_ext
import environ

from mediapipe import configuration

django_stubs_ext.monkeypatch()

BASE_DIR = Path(__file__).resolve().parent.parent

env = environ.Env()
environ.Env.read_env(BASE_DIR / ".env")

# Where data lives

DATA_DIR = Path(env.str("DATA_DIR", default=str(BASE_DIR / "var"))).resolve()
DATA_DIR.mkdir(parents=True, exist_ok=True)
SPOOL_DIR = Path(env.str("SPOOL_DIR", default=str(DATA_DIR / "spool")))
# Some hours of an outage; a webhook is a file of a few kilobytes.
SPOOL_MAX_FILES = env.int("SPOOL_MAX_FILES", default=10_000)

# Django

DEBUG = configuration.boolean(env, "DJANGO_DEBUG", default=False)
SECRET_KEY = env.str("DJANGO_SECRET_KEY", default="") or configuration.kept_secret(
    DATA_DIR / "secret_key"
)
PUBLIC_BASE_URL = env.str("PUBLIC_BASE_URL", default="").rstrip("/")
WEB_BIND = env.str("WEB_BIND", default="127.0.0.1:8000")
ALLOWED_HOSTS = configuration.allowed_hosts(
    env.list("DJANGO_ALLOWED_HOSTS", default=[]), PUBLIC_BASE_URL
)
CSRF_TRUSTED_ORIGINS = [configuration.origin(PUBLIC_BASE_URL)] if PUBLIC_BASE_URL else []

INSTALLED_APPS = [
    "mediapipe.apps.MediapipeConfig",
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django_celery_results",
]
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
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
TIME_ZONE = env.str("TIME_ZONE", default="UTC")
LANGUAGE_CODE = "en-us"
STATIC_URL = "static/"
STATIC_ROOT = DATA_DIR / "static"
STATIC_ROOT.mkdir(exist_ok=True)
# WhiteNoise then serves the apps' own files, so that no collectstatic stands before `make run`.
WHITENOISE_USE_FINDERS = True

SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
if PUBLIC_BASE_URL.startswith("https://"):
    SESSION_COOKIE_SECURE = True
    CSRF_COOKIE_SECURE = True
    SECURE_SSL_REDIRECT = False
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"

# Database

DATABASES = {"default": configuration.database(env, DATA_DIR / "mediapipe.sqlite3")}

# Celery

EMBEDDED_BROKER_SOCKET = configuration.socket_path(DATA_DIR)
CELERY_BROKER_URL = (
    env.str("CELERY_BROKER_URL", default="") or f"redis+socket://{EMBEDDED_BROKER_SOCKET}"
)
EMBEDDED_BROKER = f"redis+socket://{EMBEDDED_BROKER_SOCKET}" == CELERY_BROKER_URL
CELERY_BROKER_TRANSPORT_OPTIONS = configuration.transport_options(CELERY_BROKER_URL)
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_RESULT_BACKEND = "django-db"
CELERY_RESULT_EXTENDED = True
CELERY_RESULT_EXPIRES = timedelta(days=30)
CELERY_TASK_ACKS_LATE = True
# Without this a message is acknowledged when its pool process dies, and never runs again.
CELERY_TASK_REJECT_ON_WORKER_LOST = True
CELERY_TASK_SERIALIZER = CELERY_RESULT_SERIALIZER = "json"
CELERY_ACCEPT_CONTENT = ["json"]
CELERY_TASK_DEFAULT_QUEUE = "media"
CELERY_TASK_ROUTES = {
    "tasks.redispatch.*": {"queue": "housekeeping"},
    "tasks.close_incidents.*": {"queue": "housekeeping"},
    "tasks.sweep_files.*": {"queue": "housekeeping"},
    "celery.*": {"queue": "housekeeping"},
}
# A low multiplier makes waiting countdowns late on RabbitMQ, because its prefetch grows slowly.
CELERY_WORKER_PREFETCH_MULTIPLIER = 16
# Fetching is waiting for a far server: threads carry many downloads in one process.
CELERY_WORKER_POOL = "threads"
CELERY_WORKER_CONCURRENCY = env.int("WORKER_CONCURRENCY", default=16)
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_WORKER_CANCEL_LONG_RUNNING_TASKS_ON_CONNECTION_LOSS = False
CELERY_TIMEZONE = "UTC"
CELERY_BEAT_SCHEDULE_FILENAME = str(DATA_DIR / "beat-schedule")
REDISPATCH_INTERVAL_S = env.float("REDISPATCH_INTERVAL", default=5.0)
CELERY_BEAT_SCHEDULE = {
    "redispatch": {
        "task": "tasks.redispatch.redispatch",
        "schedule": REDISPATCH_INTERVAL_S,
        # While no worker listens, old sweeps expire instead of piling up in the broker.
        "options": {"expires": REDISPATCH_INTERVAL_S},
    },
    "close_incidents": {
        "task": "tasks.close_incidents.close_incidents",
        "schedule": 30.0,
        "options": {"expires": 30.0},
    },
    "sweep_files": {
        "task": "tasks.sweep_files.sweep_files",
        "schedule": 3600.0,
        "options": {"expires": 3600.0},
    },
}

# Twilio

TWILIO_ACCOUNT_SID = env.str("TWILIO_ACCOUNT_SID", default="")
TWILIO_AUTH_TOKEN = env.str("TWILIO_AUTH_TOKEN", default="")
TWILIO_API_KEY = env.str("TWILIO_API_KEY", default="")
TWILIO_API_SECRET = env.str("TWILIO_API_SECRET", default="")
TWILIO_ACCOUNTS_FILE = env.str("TWILIO_ACCOUNTS_FILE", default="")
TWILIO_API_HOSTS = [host.rstrip("/") for host in env.list("TWILIO_API_HOSTS", default=[])]
# Twilio's largest known webhook is some tens of kilobytes.
WEBHOOK_MAX_BYTES = 1024 * 1024

# Fetching

MEDIA_REDIRECT_HOSTS = env.list("MEDIA_REDIRECT_HOSTS", default=[])
MEDIA_ALLOWED_NETWORKS = configuration.parsed(
    env, "MEDIA_ALLOWED_NETWORKS", ipaddress.ip_network, example="10.1.0.0/16,127.0.0.0/8"
)
MEDIA_MAX_BYTES = env.int("MEDIA_MAX_BYTES", default=100 * 1024 * 1024)
MEDIA_CONNECT_TIMEOUT_S = configuration.seconds(env, "MEDIA_CONNECT_TIMEOUT", default="5s")
MEDIA_READ_TIMEOUT_S = configuration.seconds(env, "MEDIA_READ_TIMEOUT", default="20s")
MEDIA_TOTAL_TIMEOUT_S = configuration.seconds(env, "MEDIA_TOTAL_TIMEOUT", default="300s")

# Storage

STORAGE_URL = env.str("STORAGE_URL", default="")
MEDIA_ROOT = env.str("MEDIA_ROOT", default=str(DATA_DIR / "media"))
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "media": configuration.media_storage(STORAGE_URL, MEDIA_ROOT),
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
}

# Retries

RETRY_FIRST_DELAY_S = configuration.seconds(env, "RETRY_FIRST_DELAY", default="1s")
RETRY_MAX_DELAY_S = configuration.seconds(env, "RETRY_MAX_DELAY", default="60s")
RETRY_FAST_WINDOW_S = configuration.seconds(env, "RETRY_FAST_WINDOW", default="300s")
RETRY_SLOW_SCHEDULE_S = configuration.seconds_list(
    env, "RETRY_SLOW_SCHEDULE", default="10m,30m,1h,3h,6h,12h,24h"
)

# Logging

LOG_FORMAT = env.str("LOG_FORMAT", default="text")
LOG_LEVEL = env.str("LOG_LEVEL", default="INFO").upper()
LOGGING = configuration.logging(LOG_FORMAT, LOG_LEVEL)
