import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "mediapipe.settings")

application = get_wsgi_application()

from mediapipe.webhooks.receive import replayer  # noqa: E402  (needs the settings)

# What was spooled before this process began.
replayer.wake()
