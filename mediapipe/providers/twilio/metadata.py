"""The metadata of media and recordings, which tells one 404 from another."""

import json
from dataclasses import replace
from typing import Any
from urllib.parse import urlsplit

from mediapipe.providers.base import MediaRequest, NotFoundCause, Response
from mediapipe.providers.twilio.media import is_twilio, media_request

# Twilio: recording resource. Other statuses than these are of a recording that is not over yet.
STATUSES = {
    "absent": NotFoundCause.ABSENT,
    "deleted": NotFoundCause.DELETED,
    "completed": NotFoundCause.PROPAGATING,
}


def request(*, url: str, account_sid: str, subject_sid: str) -> MediaRequest:
    """Return how to ask for the metadata of a media URL, with the credentials of its bytes.

    Raises AddressRefused or ConfigMissing.
    """
    bytes_of = media_request(url=url, account_sid=account_sid, subject_sid=subject_sid)
    if bytes_of.link_in:
        return bytes_of
    # For 40 days Twilio tells of a deleted recording that it is deleted, to those who ask so.
    query = "?IncludeSoftDeleted=true" if "/Recordings/" in bytes_of.url else ""
    return replace(bytes_of, url=f"{bytes_of.url}.json{query}")


def not_found_cause(answer: Response) -> NotFoundCause | None:
    """Return what the metadata tells of media that is not found; None where it tells nothing.

    A 200 means that the media exists, a 404 that there is no metadata either.
    """
    if answer.status in (404, 410):
        return NotFoundCause.DELETED
    document = _document(answer) if answer.status == 200 else None
    if document is None:
        return None
    status = document.get("status")
    if status is None:
        return NotFoundCause.PROPAGATING
    if status == "completed" and is_elsewhere(document.get("media_url")):
        return NotFoundCause.EXTERNAL_STORAGE
    return STATUSES.get(str(status), NotFoundCause.PROCESSING)


def _document(answer: Response) -> dict[str, Any] | None:
    """Return the JSON object, unless it is another one than that of a media item."""
    try:
        document = json.loads(answer.body_head)
    except (ValueError, RecursionError):
        return None
    return document if isinstance(document, dict) and "sid" in document else None


def is_elsewhere(media_url: object) -> bool:
    """Tell whether a recording lies in a bucket of the customer's (Twilio: external storage)."""
    if not isinstance(media_url, str) or not media_url.startswith(("http://", "https://")):
        return False
    try:
        parts = urlsplit(media_url)
    except ValueError:
        return False
    return not is_twilio(f"{parts.scheme}://{parts.netloc}")
