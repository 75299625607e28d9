import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "mediapipe.settings")

application = get_wsgi_application()

from mediapipe.gateway import entries  # noqa: E402  (needs the settings)
from mediapipe.webhooks import spool_cleanup  # noqa: E402
from mediapipe.webhooks.receive import drainer  # noqa: E402

entries.read_at_start()
# Webhooks that were spooled before this process started.
drainer.wake()
spool_cleanup.start()
