"""`python -m tests.browser` makes the screenshots in docs/images."""

import django

# The service's own modules, which the pictures are made with, want their settings first.
django.setup()

from tests.browser.screenshots import main  # noqa: E402

main()
