from django.urls import path, re_path

from mediapipe.api import views

app_name = "api"
urlpatterns = [
    path("api/v1/media", views.media_list, name="media"),
    path("api/v1/media/<str:number>", views.media_item, name="media_item"),
    path("api/v1/media/<str:number>/link", views.link, name="link"),
    path("api/v1/openapi.json", views.openapi, name="openapi"),
    re_path("^api/", views.not_found),
    path("files/<str:link>", views.file, name="file"),
]
