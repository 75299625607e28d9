"""What templates write as the rest of the admin writes it."""

from django import template

from mediapipe.admin import text

register = template.Library()

register.filter("plain", text.plain)
register.filter("state", text.state)
register.filter("moment", text.moment)
register.filter("seconds", text.seconds)
register.filter("delay", text.delay)
register.filter("size", text.size)
register.filter("counted", text.counted)
