"""What operators see. Django imports this package because it is called `admin`."""

from django.contrib import admin

from mediapipe.admin import events, incidents, media, rejections

__all__ = ["events", "incidents", "media", "rejections"]

admin.site.site_header = "Twilio media"
admin.site.site_title = "Twilio media"
admin.site.index_title = "What arrived, what is stored, what failed"
