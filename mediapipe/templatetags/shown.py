from django import template

from mediapipe.admin import text
from mediapipe.fetching.media_types import is_same

register = template.Library()

register.filter("plain", text.plain)
register.filter("state", text.state_label)
register.filter("timestamp", text.timestamp)
register.filter("duration", text.duration)
register.filter("delay", text.propagation_delay)
register.filter("size", text.size)
register.filter("counted", text.counted)
register.filter("is_same_type", is_same)
