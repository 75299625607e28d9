from __future__ import annotations

from dataclasses import dataclass

from django.urls import reverse

from mediapipe.api.files import AUDIO, IMAGES, VIDEOS, deletion_notice
from mediapipe.fetching.storage import exists
from mediapipe.fetching.video_codec import HEVC
from mediapipe.models import MediaItem, Status

LINKS = {"application/pdf": "Download the PDF", "text/vcard": "Download the contact"}
NOTES = {
    "image/heic": "Retrieved completely. Only Safari can display HEIC; download it.",
    "audio/amr": "Retrieved completely. Browsers cannot play AMR; download it.",
    "video/3gpp": "Retrieved completely. Browsers cannot play 3GP; download it.",
    "audio/3gpp": "Retrieved completely. Browsers cannot play 3GP; download it.",
    "text/html": "Download only, because a page could run scripts with your session.",
    "image/svg+xml": "Download only, because an SVG could run scripts with your session.",
}


@dataclass(frozen=True, slots=True)
class FilePreview:
    """How a page shows a stored file: `shown_as` is image, audio or video, or "" for a link only.

    `note` explains what browsers cannot do with it. `url` is empty if the file was deleted or is
    missing.
    """

    url: str
    shown_as: str
    link: str
    note: str

    @classmethod
    def from_media(cls, media: MediaItem) -> FilePreview | None:
        """Return the preview of this item, or None if it has no file."""
        if media.status != Status.STORED or not media.size:
            return None
        if media.purged_at:
            return cls("", "", "", deletion_notice(media))
        if not exists(media.storage_name):
            return cls("", "", "", f"{media.storage_name} is no longer in the storage.")
        url = reverse("admin:mediapipe_mediaitem_file", args=[media.pk])
        tags = ((IMAGES, "image"), (AUDIO, "audio"), (VIDEOS, "video"))
        shown_as = next((tag for types, tag in tags if media.content_type in types), "")
        return cls(url, shown_as, LINKS.get(media.content_type, "Download the file"), _note(media))


def _note(media: MediaItem) -> str:
    if media.codec in HEVC:
        return (
            f"The video was retrieved completely. Its codec is HEVC ({media.codec}), as recorded "
            "by iPhones: Safari plays it, Chrome and Firefox only on some machines. If it does not "
            "play here, the browser cannot decode it: download it to watch it."
        )
    if media.content_type in VIDEOS and not media.codec:
        return (
            "The video was retrieved completely. If it does not play here, the browser cannot "
            "decode it: not every browser supports HEVC, which iPhones record."
        )
    return NOTES.get(media.content_type, "")
