from __future__ import annotations

import re

from django.contrib import admin
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from mediapipe.admin.readonly import ReadOnlyAdmin, ReadOnlyInline
from mediapipe.models import MediaItem, RepeatedWebhook, WebhookEvent

# They turn around what follows them: gpj.exe is read as exe.jpg.
TURNING = re.compile("[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]")


def parameter_table(parameters: list[list[str]]) -> SafeString:
    """Return the pairs of a webhook as a table, every name and value escaped."""
    pairs = ((plain(name), plain(value)) for name, value in parameters)
    rows = format_html_join("", '<tr><th scope="row">{}</th><td>{}</td></tr>', pairs)
    return format_html("<table><tbody>{}</tbody></table>", rows)


def plain(text: str) -> str:
    """Return the text with the signs that turn text around written as their codes."""
    return TURNING.sub(lambda sign: f"\\u{ord(sign[0]):04x}", text)


class MediaInline(ReadOnlyInline):
    model = MediaItem
    fields = ("identity", "status", "error", "attempts", "content_type", "size", "retrieved_at")
    show_change_link = True


class RepeatedInline(ReadOnlyInline):
    model = RepeatedWebhook
    fields = ("received_at", "source", "said")
    readonly_fields = ("said",)
    verbose_name_plural = "later webhooks that said something else"

    @admin.display(description="parameters")
    def said(self, row: RepeatedWebhook) -> SafeString:
        return parameter_table(row.parameters)


@admin.register(WebhookEvent)
class WebhookEventAdmin(ReadOnlyAdmin):
    """One message or recording, the webhook as received, and its media."""

    list_display = ("subject_sid", "kind", "source", "received_at", "repeats", "account_sid")
    list_filter = ("kind", "source", "received_at")
    search_fields = ("=subject_sid", "=call_sid", "=sender", "=recipient")
    search_help_text = "A whole message, recording or call SID, or a whole phone number."
    date_hierarchy = "received_at"
    fields = (
        ("subject_sid", "kind", "source"),
        ("account_sid", "call_sid", "conference_sid"),
        ("sender", "recipient", "home_region"),
        ("received_at", "repeats", "last_repeat_at"),
        "as_received",
    )
    readonly_fields = ("as_received",)
    inlines = (MediaInline, RepeatedInline)

    @admin.display(description="parameters as received")
    def as_received(self, event: WebhookEvent) -> SafeString:
        return parameter_table(event.parameters)
