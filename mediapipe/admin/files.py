"""How a page of the admin shows a stored file."""

from __future__ import annotations

from dataclasses import dataclass

from django.urls import reverse

from mediapipe.api.files import FILMS, PICTURES, SOUNDS, deleted
from mediapipe.fetching.storage import is_kept
from mediapipe.fetching.video_codec import HEVC
from mediapipe.models import MediaItem, Status

LINKS = {"application/pdf": "Download the PDF", "text/vcard": "Download the contact"}
NOTES = {
    "image/heic": "Retrieved whole. Browsers other than Safari cannot draw HEIC; download it.",
    "audio/amr": "Retrieved whole. Browsers cannot play AMR; download it.",
    "video/3gpp": "Retrieved whole. Browsers cannot play 3GP; download it.",
    "audio/3gpp": "Retrieved whole. Browsers cannot play 3GP; download it.",
    "text/html": "Only for download, because a page could run script in your name.",
    "image/svg+xml": "Only for download, because an SVG could run script in your name.",
}


@dataclass(frozen=True, slots=True)
class Preview:
    """How a page shows a stored file: drawn, played, or as a link; `note` says why not better.

    `url` is empty where the file should be there and is not.
    """

    url: str
    shown_as: str
    link: str
    note: str

    @classmethod
    def of(cls, media: MediaItem) -> Preview | None:
        """Return how to show this item, None if there is no file."""
        if media.status != Status.STORED or not media.size:
            return None
        if media.purged_at:
            return cls("", "", "", deleted(media))
        if not is_kept(media.storage_name):
            return cls("", "", "", f"{media.storage_name} is not in the storage any more.")
        url = reverse("admin:mediapipe_mediaitem_file", args=[media.pk])
        tags = ((PICTURES, "picture"), (SOUNDS, "sound"), (FILMS, "film"))
        shown_as = next((tag for types, tag in tags if media.content_type in types), "")
        return cls(url, shown_as, LINKS.get(media.content_type, "Download the file"), _note(media))


def _note(media: MediaItem) -> str:
    if media.codec in HEVC:
        return (
            f"The film was retrieved whole. It is coded in HEVC ({media.codec}), as iPhones "
            "record: Safari plays it, Chrome and Firefox only on some machines. If it does not "
            "play here, that is the browser's limit; download it to watch it."
        )
    if media.content_type in FILMS and not media.codec:
        return (
            "A film that does not play here was retrieved all the same: not every browser "
            "decodes HEVC, in which iPhones record."
        )
    return NOTES.get(media.content_type, "")
