"""Django's error page for developers, without our secrets."""

import re

from django.views.debug import SafeExceptionReporterFilter

from mediapipe.settings.secret_files import SECRETS


class SecretsFilter(SafeExceptionReporterFilter):
    """Django recognises names such as TOKEN and KEY; a URL with a password has none of them."""

    hidden_settings = re.compile(
        "|".join([SafeExceptionReporterFilter.hidden_settings.pattern, "BASE_URLS", *SECRETS]),
        re.IGNORECASE,
    )
