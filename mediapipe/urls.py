from django.contrib import admin
from django.urls import include, path
from django.views.generic import RedirectView

from mediapipe import health, views

urlpatterns = [
    path(
        "webhooks/twilio/messaging/", views.webhook, {"provider": "twilio", "source": "messaging"}
    ),
    path(
        "webhooks/twilio/recording/", views.webhook, {"provider": "twilio", "source": "recording"}
    ),
    path(
        "webhooks/twilio/conversations/",
        views.webhook,
        {"provider": "twilio", "source": "conversations"},
    ),
    path("admin/", admin.site.urls),
    path("", include("mediapipe.api.urls")),
    path("healthz", health.healthz),
    path("readyz", health.readyz),
    path("metrics", health.metrics),
    path("", RedirectView.as_view(url="/admin/")),
]
