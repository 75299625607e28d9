"""Django's apps, middleware, templates and checks, which do not depend on the environment; the
settings import all of them.
"""

from pathlib import Path
from typing import Any

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
    "mediapipe.operations.request_ids.RequestIds",
    "mediapipe.operations.access_log.RefusalLog",
    "django.middleware.security.SecurityMiddleware",
    "mediapipe.operations.csp.ContentSecurityPolicy",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "mediapipe.operations.hosts.HostCheck",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "mediapipe.operations.sessions.SessionLimits",
    "mediapipe.admin.login.LoginErrors",
    "mediapipe.admin.login.CompanyLogin",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]
TEMPLATES: list[dict[str, Any]] = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [Path(__file__).resolve().parents[2] / "templates"],
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
PASSWORD_HASHERS = ["mediapipe.operations.login_limits.BoundedHasher"]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator"},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]
SILENCED_SYSTEM_CHECKS = [
    # HSTS for subdomains and preload lists would affect hosts that are not ours.
    "security.W005",
    "security.W021",
    # The proxy redirects to https. A redirect here would loop behind a proxy that does not set the
    # header, and break health checks, which bypass the proxy over plain HTTP.
    "security.W008",
]
