import json
from dataclasses import replace
from urllib.parse import urlsplit

from mediapipe.providers.base import MediaRequest, NotFoundCause, Response
from mediapipe.providers.twilio.media import is_twilio, media_request

# Twilio: recording resource. Any other status means that the recording is still in progress.
STATUSES = {
    "absent": NotFoundCause.ABSENT,
    "deleted": NotFoundCause.DELETED,
    "completed": NotFoundCause.PROPAGATING,
}


def metadata_request(*, url: str, account_sid: str, subject_sid: str) -> MediaRequest:
    """Return the request for the metadata of a media URL, with the credentials of the media.

    Raises AddressRefused or ConfigMissing.
    """
    request = media_request(url=url, account_sid=account_sid, subject_sid=subject_sid)
    if request.link_in:
        return request
    # Without this parameter a deleted recording is a 404 like any other; with it Twilio reports
    # for 40 days that it was deleted.
    query = "?IncludeSoftDeleted=true" if "/Recordings/" in request.url else ""
    return replace(request, url=f"{request.url}.json{query}")


def not_found_cause(response: Response) -> NotFoundCause | None:
    """Return why media is not found according to its metadata, or None if unknown.

    DELETED for a 404 or 410: there is no metadata either.
    """
    if response.status in (404, 410):
        return NotFoundCause.DELETED
    if response.status != 200:
        return None
    try:
        document = json.loads(response.body_head)
    except (ValueError, RecursionError):
        return None
    # A document without a SID is not the metadata of a media item.
    if not isinstance(document, dict) or "sid" not in document:
        return None
    status = document.get("status")
    if status is None:
        return NotFoundCause.PROPAGATING
    if status == "completed" and is_elsewhere(document.get("media_url")):
        return NotFoundCause.EXTERNAL_STORAGE
    return STATUSES.get(str(status), NotFoundCause.PROCESSING)


def is_elsewhere(media_url: object) -> bool:
    """Return whether a recording is in the customer's own bucket (Twilio: external storage)."""
    if not isinstance(media_url, str) or not media_url.startswith(("http://", "https://")):
        return False
    try:
        parts = urlsplit(media_url)
    except ValueError:
        return False
    return not is_twilio(f"{parts.scheme}://{parts.netloc}")
