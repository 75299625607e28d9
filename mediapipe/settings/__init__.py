"""Every setting of the service, from the environment or a `.env` file beside manage.py.

docs/configuration.md explains them; an invalid value stops the start with a one-sentence message.
"""

import ipaddress
import os
import tomllib
from pathlib import Path

import django_stubs_ext
import environ

from mediapipe.settings import (
    broker,
    database,
    logging,
    network,
    outgoing,
    secret_files,
    sentry,
    storage,
    values,
    web,
)
from mediapipe.settings.beat_schedule import beat_schedule
from mediapipe.settings.celery_options import *  # noqa: F403
from mediapipe.settings.installed import *  # noqa: F403
from mediapipe.settings.queues import declared

django_stubs_ext.monkeypatch()

# Databases, media, spool and logs contain texts and phone numbers: no access for other local users.
os.umask(0o077)

BASE_DIR = Path(__file__).resolve().parent.parent.parent

VERSION: str = tomllib.loads((BASE_DIR / "pyproject.toml").read_text("utf-8"))["project"]["version"]

env = environ.Env()
environ.Env.read_env(BASE_DIR / ".env")
env.ENVIRON = secret_files.with_secret_files(os.environ)

# Where data lives

DATA_DIR = values.folder(env, "DATA_DIR", BASE_DIR / "var")
SPOOL_DIR = Path(values.text(env, "SPOOL_DIR", str(DATA_DIR / "spool")))
# Enough for an outage of several hours; each webhook is a file of a few kilobytes.
SPOOL_MAX_FILES = values.whole_number(env, "SPOOL_MAX_FILES", default=10_000)

# Django

DEBUG = values.boolean(env, "DJANGO_DEBUG", default=False)
SECRET_KEY = web.secret_key(env, "DJANGO_SECRET_KEY", DATA_DIR / "secret_key")
_BASE_URLS = web.base_urls(env, "PUBLIC_BASE_URL")
# Our own links use the first one.
PUBLIC_BASE_URL, *OTHER_BASE_URLS = _BASE_URLS or [""]
_HOSTS = web.hosts(env, "DJANGO_ALLOWED_HOSTS")
HTTPS_ORIGINS = web.https_origins(_HOSTS)
ALLOWED_HOSTS = web.allowed_hosts(_HOSTS, _BASE_URLS)
# Behind a TLS proxy a page's origin is https, but its requests may reach us as plain http.
CSRF_TRUSTED_ORIGINS = [*map(web.origin, _BASE_URLS), *HTTPS_ORIGINS]
CSRF_FAILURE_VIEW = "mediapipe.admin.errors.csrf_failure"
DEFAULT_EXCEPTION_REPORTER_FILTER = "mediapipe.operations.error_pages.SecretsFilter"
# Required by /metrics and /readyz; if it is empty, both are open.
MONITORING_TOKEN = web.monitoring_token(env, "MONITORING_TOKEN")
WEB_BIND = values.text(env, "WEB_BIND", "127.0.0.1:8000")

# Login through an identity proxy instead of passwords, and the groups that grant each role
REMOTE_USER_HEADER = web.header_name(env, "REMOTE_USER_HEADER")
REMOTE_GROUPS_HEADER = web.header_name(env, "REMOTE_GROUPS_HEADER")
REMOTE_GROUPS = {
    "Viewer": values.listed(env, "REMOTE_GROUPS_VIEWER") or ["Viewer"],
    "Support": values.listed(env, "REMOTE_GROUPS_SUPPORT") or ["Support"],
    "Administrator": values.listed(env, "REMOTE_GROUPS_ADMINISTRATOR") or ["Administrator"],
}
REMOTE_LOGOUT_URL = web.logout_url(env, "REMOTE_LOGOUT_URL")
TRUSTED_PROXIES = values.parsed(
    env, "TRUSTED_PROXIES", ipaddress.ip_network, example="10.1.2.3,172.18.0.0/16"
) or [ipaddress.ip_network("127.0.0.0/8"), ipaddress.ip_network("::1")]
AUTHENTICATION_BACKENDS = [
    "mediapipe.operations.company_login.CompanyBackend"
    if REMOTE_USER_HEADER
    else "mediapipe.operations.login_limits.PasswordBackend"
]
ROOT_URLCONF = "mediapipe.urls"
WSGI_APPLICATION = "mediapipe.wsgi.application"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
# A redirect to the same URL with a slash would break the signature, which covers the URL.
APPEND_SLASH = False
USE_TZ = True
TIME_ZONE = values.time_zone(env, "TIME_ZONE")
LANGUAGE_CODE = "en-us"
USE_I18N = False
# Even without USE_I18N a language's formats take precedence over DATETIME_FORMAT.
FORMAT_MODULE_PATH = "mediapipe.formats"
STATIC_URL = "static/"
STATIC_ROOT = DATA_DIR / "static"
STATIC_ROOT.mkdir(exist_ok=True)
# WhiteNoise then serves the apps' own files, so `make run` needs no collectstatic.
WHITENOISE_USE_FINDERS = True

KNOWN_BROWSER_COOKIE_NAME = "known_browser"
if PUBLIC_BASE_URL.startswith("https://"):
    # Only then is it certain that a TLS proxy sets this header itself.
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
    SESSION_COOKIE_SECURE = True
    CSRF_COOKIE_SECURE = True
    # Browsers accept a cookie with this prefix only from this exact host, over https.
    SESSION_COOKIE_NAME = "__Host-sessionid"
    CSRF_COOKIE_NAME = "__Host-csrftoken"
    KNOWN_BROWSER_COOKIE_NAME = "__Host-known_browser"
    # Browsers insist on TLS for this long, even after it breaks.
    SECURE_HSTS_SECONDS = values.whole_number(
        env, "DJANGO_HSTS_SECONDS", default=365 * 86400, least=0
    )
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
# The URL of docs/ at the host of the repository; if it is set, pages link to it.
DOCS_URL = values.base_url(env, "DOCS_URL")
ADMIN_IDLE_TIMEOUT_S = values.seconds(env, "ADMIN_IDLE_TIMEOUT", default="2h")
ADMIN_SESSION_LIFETIME_S = values.seconds(env, "ADMIN_SESSION_LIFETIME", default="12h")
SESSION_COOKIE_AGE = int(ADMIN_SESSION_LIFETIME_S)
SESSION_EXPIRE_AT_BROWSER_CLOSE = True

# Database

DATABASES = {
    "default": database.connection(
        env, "DATABASE_URL", DATA_DIR / "mediapipe.sqlite3", values.text(env, "DATABASE_PASSWORD")
    )
}

# Celery

EMBEDDED_BROKER_SOCKET = broker.socket_path(DATA_DIR)
CELERY_BROKER_URL = broker.with_password(
    broker.broker_url(env, "CELERY_BROKER_URL", f"redis+socket://{EMBEDDED_BROKER_SOCKET}"),
    values.text(env, "CELERY_BROKER_PASSWORD"),
)
EMBEDDED_BROKER = f"redis+socket://{EMBEDDED_BROKER_SOCKET}" == CELERY_BROKER_URL
CELERY_BROKER_USE_SSL = broker.tls_options(CELERY_BROKER_URL)
CELERY_BROKER_TRANSPORT_OPTIONS = broker.transport_options(CELERY_BROKER_URL)
QUEUE_TYPE = broker.queue_type(env, "QUEUE_TYPE", CELERY_BROKER_URL)
if QUEUE_TYPE == "quorum":
    CELERY_TASK_DEFAULT_QUEUE_TYPE = CELERY_TASK_CREATE_MISSING_QUEUE_TYPE = "quorum"
    # With quorum queues Celery delays messages inside RabbitMQ, which requires topic exchanges.
    CELERY_TASK_DEFAULT_EXCHANGE_TYPE = "topic"
    CELERY_TASK_CREATE_MISSING_QUEUE_EXCHANGE_TYPE = "topic"
CELERY_TASK_QUEUES = declared(QUEUE_TYPE)
# The dispatcher fills a queue up to this; the webhooks of one account fill at most half of it.
QUEUE_MAX_MESSAGES = values.whole_number(env, "QUEUE_MAX_MESSAGES", default=1000, least=2)
CELERY_WORKER_CONCURRENCY = values.whole_number(env, "WORKER_CONCURRENCY", default=16)
# Threads share an interpreter, which uses one core; each further process takes more database
# connections. SQLite has one writer at a time, so a second process would only wait.
_USEFUL = 1 if DATABASES["default"]["ENGINE"].endswith("sqlite3") else min(os.cpu_count() or 1, 2)
WORKER_PROCESSES = values.whole_number(env, "WORKER_PROCESSES", default=_USEFUL)
# Touched every few seconds by a worker or beat; the health check of its container reads it.
HEARTBEAT_FILE = values.text(env, "HEARTBEAT_FILE")

# Periodic tasks

REDISPATCH_INTERVAL_S = values.seconds(env, "REDISPATCH_INTERVAL", default="5s")
RECONCILE_EVERY_S = values.seconds(env, "RECONCILE_EVERY", default="0")
RECONCILE_WINDOW_S = values.seconds(env, "RECONCILE_WINDOW", default="24h")
# Gets periodic health reports; the service there notices when one reports a failure or is missing.
PING_URL = outgoing.receiver(env, "PING_URL")
CELERY_BEAT_SCHEDULE = beat_schedule(
    REDISPATCH_INTERVAL_S,
    RECONCILE_EVERY_S,
    has_ping=bool(PING_URL),
    has_public_url=bool(PUBLIC_BASE_URL),
)

# Twilio

TWILIO_ACCOUNT_SID = values.text(env, "TWILIO_ACCOUNT_SID")
TWILIO_AUTH_TOKEN = values.text(env, "TWILIO_AUTH_TOKEN")
TWILIO_API_KEY = values.text(env, "TWILIO_API_KEY")
TWILIO_API_SECRET = values.text(env, "TWILIO_API_SECRET")
TWILIO_ACCOUNTS_FILE = values.text(env, "TWILIO_ACCOUNTS_FILE")
# What happens to Twilio's copy of a stored media item; the accounts file has its own key.
TWILIO_AFTER_STORING = values.text(env, "TWILIO_AFTER_STORING", "keep")
TWILIO_DELETE_AFTER_S = values.seconds(env, "TWILIO_DELETE_AFTER", default="1d")
TWILIO_API_HOSTS = [host.rstrip("/") for host in values.listed(env, "TWILIO_API_HOSTS")]
# Base URL of the lists of messages and recordings; each region has its own.
TWILIO_API_URL = values.base_url(env, "TWILIO_API_URL", "https://api.twilio.com")
# Conversations (classic) announces media without a URL: it is fetched from here, in its region.
TWILIO_MCS_URL = values.base_url(env, "TWILIO_MCS_URL", "https://mcs.us1.twilio.com")
# Twilio's largest known webhook is a few tens of kilobytes.
WEBHOOK_MAX_BYTES = 1024 * 1024
# The request line and the headers. In a webhook sent by GET each of 1,600 emoji takes 12 bytes;
# ten media URLs, the other fields and WhatsApp's metadata take a few kilobytes more.
REQUEST_HEAD_MAX_BYTES = 64 * 1024
# More fields than fit into a query. Beyond this limit Django raises an error where no view can
# handle it, which would be a 500. WEBHOOK_MAX_BYTES limits the body.
DATA_UPLOAD_MAX_NUMBER_FIELDS = REQUEST_HEAD_MAX_BYTES

# Fetching

MEDIA_REDIRECT_HOSTS = values.listed(env, "MEDIA_REDIRECT_HOSTS")
MEDIA_ALLOWED_NETWORKS = values.parsed(
    env, "MEDIA_ALLOWED_NETWORKS", ipaddress.ip_network, example="10.1.0.0/16,127.0.0.0/8"
)
MEDIA_PROXY = network.proxy(env, "MEDIA_PROXY")
MEDIA_CA_CERTIFICATES = network.ca_certificates(env, "MEDIA_CA_FILE")
MEDIA_MAX_BYTES = values.whole_number(env, "MEDIA_MAX_BYTES", default=100 * 1024 * 1024)
# A recording of the longest call that Twilio allows by default, four hours, is 461 MB (stereo).
MEDIA_MAX_RECORDING_BYTES = values.whole_number(
    env, "MEDIA_MAX_RECORDING_BYTES", default=512 * 1024 * 1024
)
MEDIA_CONNECT_TIMEOUT_S = values.seconds(env, "MEDIA_CONNECT_TIMEOUT", default="5s")
MEDIA_READ_TIMEOUT_S = values.seconds(env, "MEDIA_READ_TIMEOUT", default="20s")
MEDIA_TOTAL_TIMEOUT_S = values.seconds(env, "MEDIA_TOTAL_TIMEOUT", default="300s")

# Storage

STORAGE_URL = values.text(env, "STORAGE_URL")
MEDIA_ROOT = values.text(env, "MEDIA_ROOT", str(DATA_DIR / "media"))
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "media": storage.media(STORAGE_URL, MEDIA_ROOT, values.text(env, "AWS_SECRET_ACCESS_KEY")),
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
}

# Retries

RETRY_FIRST_DELAY_S = values.seconds(env, "RETRY_FIRST_DELAY", default="1s")
RETRY_FACTOR = values.factor(env, "RETRY_FACTOR", default="2")
RETRY_MAX_DELAY_S = values.seconds(env, "RETRY_MAX_DELAY", default="60s")
RETRY_FAST_WINDOW_S = values.seconds(env, "RETRY_FAST_WINDOW", default="300s")
RETRY_SLOW_SCHEDULE_S = values.seconds_list(
    env, "RETRY_SLOW_SCHEDULE", default="10m,30m,1h,3h,6h,12h,24h"
)

# Escalation

# Twilio Support investigates when there are dozens of early 404s per day.
ESCALATION_THRESHOLD = values.whole_number(env, "ESCALATION_THRESHOLD", default=24)
# From this attempt on, the metadata is sometimes queried to diagnose a 404; 0: never.
METADATA_FROM_ATTEMPT = values.whole_number(env, "METADATA_FROM_ATTEMPT", default=4, least=0)
ESCALATION_WINDOW_S = values.seconds(env, "ESCALATION_WINDOW", default="24h")

# Retention in days; 0 keeps everything

RETENTION_DAYS = values.days(env, "RETENTION_DAYS", default=0)
RETENTION_PAYLOADS_DAYS = values.days(env, "RETENTION_PAYLOADS_DAYS", default=RETENTION_DAYS)
RETENTION_ATTEMPTS_DAYS = values.days(env, "RETENTION_ATTEMPTS_DAYS", default=RETENTION_DAYS)
RETENTION_FILES_DAYS = values.days(env, "RETENTION_FILES_DAYS", default=RETENTION_DAYS)
# One row per task, soon useless: deleted even if everything else is kept.
RETENTION_RESULTS_DAYS = values.days(env, "RETENTION_RESULTS_DAYS", default=RETENTION_DAYS or 30)
# For how long a request that an app did not accept can be sent again.
GATEWAY_KEEP_S = values.seconds(env, "GATEWAY_KEEP", default="7d")

# Hand-off

ON_STORED_TASK = values.text(env, "ON_STORED_TASK")
ON_STORED_QUEUE = values.text(env, "ON_STORED_QUEUE", "handoff")
HANDOFF_WEBHOOK_URL = outgoing.receiver(env, "HANDOFF_WEBHOOK_URL")
HANDOFF_WEBHOOK_SECRETS = outgoing.signing_secrets(env, "HANDOFF_WEBHOOK_SECRET")

# Gateway

GATEWAY_FILE = values.text(env, "GATEWAY_FILE")
GATEWAY_BUDGET_S = values.seconds(env, "GATEWAY_BUDGET", default="12s")
GATEWAY_IN_FLIGHT = values.whole_number(env, "GATEWAY_IN_FLIGHT", default=16)

# Whether hand-offs and the API contain them.
SHARE_SENDER_AND_TEXT = values.boolean(env, "SHARE_SENDER_AND_TEXT", default=False)
API_LINK_LIFETIME_S = values.seconds(env, "API_LINK_LIFETIME", default="5m")

# Notification

ESCALATION_EMAILS = outgoing.addresses(env, "ESCALATION_EMAILS")
DEFAULT_FROM_EMAIL = outgoing.sender(env, "DEFAULT_FROM_EMAIL", PUBLIC_BASE_URL)
EMAIL_URL = values.text(env, "EMAIL_URL")
# MAILERS, or before Django 6.1 EMAIL_BACKEND, EMAIL_HOST and the others.
globals().update(outgoing.mail_server(env, "EMAIL_URL"))
ESCALATION_WEBHOOK_URL = outgoing.receiver(env, "ESCALATION_WEBHOOK_URL")
ESCALATION_WEBHOOK_SECRETS = outgoing.signing_secrets(env, "ESCALATION_WEBHOOK_SECRET")
ESCALATION_SLACK_URL = outgoing.receiver(env, "ESCALATION_SLACK_URL")

# Logging

LOG_FORMAT = values.text(env, "LOG_FORMAT", "text")
LOG_LEVEL = values.text(env, "LOG_LEVEL", "INFO").upper()
LOGGING = logging.dict_config(LOG_FORMAT, LOG_LEVEL)

# Exceptions

SENTRY_DSN = values.base_url(env, "SENTRY_DSN")
if SENTRY_DSN:
    sentry.configure(SENTRY_DSN, CELERY_BEAT_SCHEDULE, release=f"mediapipe@{VERSION}")
