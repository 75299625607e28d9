from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect

from mediapipe.admin.bulk_changes import BulkChange, ask, confirmed_reason
from mediapipe.models import BulkAction, MediaItem
from mediapipe.models.media.item import MediaQuerySet
from mediapipe.operations.manual_control import give_up

GIVE_UP = BulkChange(
    BulkAction.GIVE_UP,
    list_action="give_up",
    done="Gave up on",
    template="give_up_confirm.html",
    changeable=MediaQuerySet.unfinished,
    needs_reason=True,
)


def give_up_one(request: HttpRequest, item: MediaItem) -> HttpResponse:
    """Ask for the reason, or give up on the item and redirect to its page."""
    chosen = MediaItem.objects.filter(pk=item.pk)
    reason = confirmed_reason(request)
    if not reason:
        return ask(request, chosen, f"media item {item}", GIVE_UP)
    if give_up(chosen, request.user, reason):
        messages.success(request, "The item is marked as failed. It can still be retried.")
    else:
        messages.warning(request, "Nothing was changed: the item has already ended.")
    return redirect("admin:mediapipe_mediaitem_change", item.pk)
