"""Django's error page for developers, without our secrets."""

import re

from django.views.debug import SafeExceptionReporterFilter

from mediapipe.settings.secret_files import SECRETS


class SecretsFilter(SafeExceptionReporterFilter):
    """Hides our secrets as well: Django knows TOKEN and KEY, but no URL with a password."""

    hidden_settings = re.compile(
        "|".join([SafeExceptionReporterFilter.hidden_settings.pattern, "BASE_URLS", *SECRETS]),
        re.IGNORECASE,
    )
