"""`python -m tests.browser` makes the pictures of the README."""

import django

# The service's own modules, which the pictures are made with, want their settings first.
django.setup()

from tests.browser.screenshots import main  # noqa: E402

main()
