"""Every way in which a webhook is refused or a media item is not retrieved, with its slug.

The docstring of a class is the sentence that people read in the admin and in the README;
`todo` says what to do about it. Filters, reports and metrics read the slug.
"""

import inspect
from collections.abc import Iterator
from typing import ClassVar, Self


class WebhookRefused(Exception):
    """A request that is not taken in; `reason` counts it, `status` answers it."""

    status: ClassVar[int] = 400

    def __init__(self, reason: str, sentence: str) -> None:
        self.reason = reason
        self.sentence = sentence
        super().__init__(f"{reason}: {sentence}")


class WebhookUnreadable(WebhookRefused):
    """The request was received but cannot be understood."""

    status = 400


class WebhookForged(WebhookRefused):
    """The request does not prove that Twilio sent it."""

    status = 403


class WebhookTooLarge(WebhookRefused):
    """The body is over the cap and was not read."""

    status = 413


class LeaseLost(Exception):
    """Another worker has the item meanwhile: whatever this one found is left alone."""


class Failure(Exception):
    """Why a media item is not stored (yet).

    `retry_in_s` is set when Celery shall bring the item back after so many seconds.
    """

    slug: ClassVar[str] = ""
    todo: ClassVar[str] = ""
    retry_in_s: float | None = None

    def __init__(self, detail: str = "", *, retry_after_s: float | None = None) -> None:
        self.detail = detail
        self.retry_after_s = retry_after_s
        super().__init__(f"{self.meaning()} {detail}".strip())

    @classmethod
    def meaning(cls) -> str:
        """Return the sentence that explains this failure to a person."""
        return inspect.cleandoc(cls.__doc__ or "").replace("\n", " ")

    @classmethod
    def all(cls) -> Iterator[type[Self]]:
        """Yield every failure below this class that has a slug, in the order of this file."""
        for subclass in cls.__subclasses__():
            if subclass.slug:
                yield subclass
            yield from subclass.all()


class TransientFailure(Failure):
    """The same request may work later; each one uses up a step of the item's schedule."""


class OurFault(TransientFailure):
    """The trouble is on our side: retried until it is mended, without using up the schedule."""


class FinalFailure(Failure):
    """The same request will not work later; only a person can put the item back to work."""


class Absence(Failure):
    """Twilio says that there never was a media file: nothing is fetched."""


class TransientMedia404(TransientFailure):
    """Twilio answered 404: the media has not propagated yet, or it is gone."""

    slug = "not_ready"
    todo = "Usually nothing: it is retried. If it fails in the end, look whether it was deleted."


class CredentialsSuspected(TransientMedia404):
    """Every fetch of this account is answered 404 and none ever worked: they may not be its own."""

    slug = "credentials_suspected"
    todo = "Compare the credentials with the account of the media URL; a right one ends the 404s."


class RateLimited(TransientFailure):
    """Twilio answered 429: too many requests of this account at once."""

    slug = "rate_limited"
    todo = "Lower the worker's concurrency if it goes on, or ask Twilio for a higher limit."


class TwilioError(TransientFailure):
    """Twilio or its CDN answered with an error of its own (408, 425 or 5xx)."""

    slug = "twilio_error"
    todo = "Look at status.twilio.com; it is retried."


class CdnRefused(TransientFailure):
    """The CDN refused its signed link (401 or 403); a fresh link is asked for each time."""

    slug = "cdn_refused"
    todo = "Compare our clock with Twilio's, then give Twilio the request ids."


class UnexpectedResponse(TransientFailure):
    """The answer has a status or headers that no media answer should have."""

    slug = "unexpected_answer"
    todo = "Look at the attempts; give Twilio the request ids if it goes on."


class ConnectionFailed(TransientFailure):
    """The name was not resolved, or the connection was refused, broken or not trusted (TLS)."""

    slug = "connection_failed"
    todo = (
        "Try the host of the last attempt from the worker's machine: DNS, firewall, certificates."
    )


class TooSlow(TransientFailure):
    """The answer or its body did not arrive within the time allowed."""

    slug = "too_slow"
    todo = "Raise MEDIA_READ_TIMEOUT or MEDIA_TOTAL_TIMEOUT if the media is large."


class Truncated(TransientFailure):
    """The body ended before the length that was announced."""

    slug = "truncated"
    todo = "Nothing: nothing partial was kept, and it is retried."


class EmptyBody(TransientFailure):
    """The answer was a success without a single byte of media."""

    slug = "empty"
    todo = "Give Twilio the request ids if it goes on."


class WrongEncoding(TransientFailure):
    """The body came compressed although that was refused; its bytes cannot be vouched for."""

    slug = "wrong_encoding"
    todo = "Look for a proxy between the worker and Twilio."


class WrongSize(TransientFailure):
    """The body has another size than Twilio's metadata declares for it."""

    slug = "wrong_size"
    todo = "Give Twilio the request ids if it goes on; nothing of it was kept."


class ErrorDocument(TransientFailure):
    """The body is an error document or a web page, not the media that was announced."""

    slug = "error_document_as_media"
    todo = "Look for a proxy or a login page between the worker and Twilio; it is retried."


class StorageFailed(OurFault):
    """Our storage could not take the file: it is full, read-only or away."""

    slug = "storage_failed"
    todo = "Mend the storage; the items go on by themselves."


class ConfigMissing(OurFault):
    """No credentials are configured for the account that owns the media."""

    slug = "config_missing"
    todo = "Set TWILIO_AUTH_TOKEN or add the account to TWILIO_ACCOUNTS_FILE, then restart."


class AccountRefused(OurFault):
    """Twilio refuses every request of this account: its media waits until it does not."""

    slug = "account_refused"
    todo = "Check the token or API key of the account; the items go on by themselves."


class AccountBusy(OurFault):
    """As many items of this account are being fetched as Twilio's rate limit allows."""

    slug = "account_busy"
    todo = "Nothing: the limit rises again with each success."


class Unauthorized(FinalFailure):
    """Twilio refused our credentials (401 or 403)."""

    slug = "unauthorized"
    todo = "Check the token or API key of the account, then retry the failed items."


class BadRequest(FinalFailure):
    """Twilio answered 400: the request for this media is not valid."""

    slug = "bad_request"
    todo = "Look at the Twilio error code of the last attempt."


class Gone(FinalFailure):
    """Twilio answered 410: the media was removed for good."""

    slug = "gone"
    todo = "Nothing can be fetched any more; ask the sender to send it again."


class MediaDeleted(FinalFailure):
    """The media was deleted at Twilio: its metadata says so, or is gone for good as well."""

    slug = "deleted"
    todo = "Nothing can be fetched any more; ask the sender to send it again."


class ExternalStorage(FinalFailure):
    """The recording is kept in a storage of the customer's own; Twilio has no copy to give."""

    slug = "external_storage"
    todo = "Fetch it from the bucket that is set in Twilio's console."


class AddressRefused(FinalFailure):
    """The URL is not one of Twilio's media URLs for this event, or leads into a private network."""

    slug = "address_refused"
    todo = "Compare the URL with the account; TWILIO_API_HOSTS and MEDIA_ALLOWED_NETWORKS widen it."


class RedirectRefused(FinalFailure):
    """The media redirects in a loop, too often, or to a place that is not allowed."""

    slug = "redirect_refused"
    todo = "If the host is Twilio's new CDN, add it to MEDIA_REDIRECT_HOSTS and retry."


class TooLarge(FinalFailure):
    """The body is larger than MEDIA_MAX_BYTES."""

    slug = "too_large"
    todo = "Raise MEDIA_MAX_BYTES if such media is wanted, then retry."


class UrlMissing(FinalFailure):
    """The webhook announces more media than it names URLs."""

    slug = "url_missing"
    todo = "List the message's media at Twilio; the webhook as received is kept with the event."


class Interrupted(FinalFailure):
    """The worker died or gave up three times in the middle of this item."""

    slug = "interrupted"
    todo = "Look at the worker's log and memory around the attempts, then retry."


class Erased(FinalFailure):
    """It was erased at somebody's request before it was stored; it is never fetched again."""

    slug = "forgotten"
    todo = "Nothing: who asked for it, and when, is in the admin's log."


class RecordingTooShort(Absence):
    """The recording was too short to be kept (Twilio error 16101)."""

    slug = "recording_too_short"
    todo = "Nothing: there is no audio."


class RecordingSilent(Absence):
    """The recording was silent and was not kept (Twilio error 16102)."""

    slug = "recording_silent"
    todo = "Nothing: there is no audio."


class RecordingAbsent(Absence):
    """Twilio says that the recording is absent, without a reason that we know."""

    slug = "recording_absent"
    todo = "Look at the recording in Twilio's console."


class RecordingFailed(Absence):
    """Twilio could not make the recording, for example because its encryption key failed."""

    slug = "recording_failed"
    todo = "Check the public key that encrypts recordings in Twilio's console."


class Undelivered(Exception):
    """Nobody took what was sent; `again` tells whether the same may be taken later.

    `why` is for people and never shows a URL. `retry_in_s` is set when Celery shall try again
    after so many seconds.
    """

    retry_in_s: float | None = None

    def __init__(
        self, why: str, *, again: bool = False, retry_after_s: float | None = None
    ) -> None:
        self.why = why
        self.again = again
        self.retry_after_s = retry_after_s
        super().__init__(why)
