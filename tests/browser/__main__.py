"""`python -m tests.browser` makes the screenshots."""

import django

# The screenshots use the service's own modules, which need Django's settings.
django.setup()

from tests.browser.screenshots import main  # noqa: E402

main()
