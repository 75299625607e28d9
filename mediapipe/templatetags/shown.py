from django import template

from mediapipe.admin import text

register = template.Library()

register.filter("plain", text.plain)
register.filter("state", text.state_label)
register.filter("timestamp", text.timestamp)
register.filter("duration", text.duration)
register.filter("delay", text.propagation_delay)
register.filter("size", text.size)
register.filter("counted", text.counted)
