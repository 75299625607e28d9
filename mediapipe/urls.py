from django.contrib import admin
from django.templatetags.static import static
from django.urls import include, path
from django.views.generic import RedirectView

from mediapipe.operations import health
from mediapipe.operations.hosts import any_host
from mediapipe.providers import PROVIDERS
from mediapipe.webhooks import views

handler400 = "mediapipe.admin.errors.bad_request"
handler403 = "mediapipe.admin.errors.permission_denied"
handler404 = "mediapipe.admin.errors.not_found"
handler500 = "mediapipe.admin.errors.server_error"
urlpatterns = [
    *(
        path(
            f"webhooks/{provider.name}/{source}/",
            any_host(views.webhook),
            {"provider": provider, "source": source},
        )
        for provider in PROVIDERS.values()
        for source in provider.sources
    ),
    path("admin/", admin.site.urls),
    path("", include("mediapipe.api.urls")),
    # Browsers request it for pages without an icon link, such as a 403.
    path("favicon.ico", RedirectView.as_view(url=static("mediapipe/icon.svg"))),
    path("healthz", any_host(health.healthz)),
    path("readyz", any_host(health.readyz)),
    path("metrics", any_host(health.metrics)),
    path("", RedirectView.as_view(url="/admin/")),
]
