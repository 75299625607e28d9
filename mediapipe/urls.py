from django.contrib import admin
from django.templatetags.static import static
from django.urls import include, path
from django.views.generic import RedirectView

from mediapipe.operations import health
from mediapipe.webhooks import views

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
    # Browsers ask for it on pages that name no icon, such as a 403.
    path("favicon.ico", RedirectView.as_view(url=static("mediapipe/icon.svg"))),
    path("healthz", health.healthz),
    path("readyz", health.readyz),
    path("metrics", health.metrics),
    path("", RedirectView.as_view(url="/admin/")),
]
