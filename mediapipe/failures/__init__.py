"""Why a media item is not retrieved; each failure has a slug.

The docstring of a failure is what users read in the admin and in docs/failures.md, and `todo` is
the remedy. Filters, reports and metrics use the slug, so a slug never changes.
"""

# Re-exported, so that an import need not know which file a class is in.
from mediapipe.failures.deliveries import Undelivered as Undelivered
from mediapipe.failures.kinds import Absence as Absence
from mediapipe.failures.kinds import Failure as Failure
from mediapipe.failures.kinds import FinalFailure as FinalFailure
from mediapipe.failures.kinds import LocalFailure as LocalFailure
from mediapipe.failures.kinds import Outlook as Outlook
from mediapipe.failures.kinds import TransientFailure as TransientFailure
from mediapipe.failures.leases import LeaseHeld as LeaseHeld
from mediapipe.failures.leases import LeaseLost as LeaseLost


class TransientMedia404(TransientFailure):
    """Twilio returned 404: the media has not propagated yet, or no longer exists."""

    slug = "not_ready"
    todo = "Usually nothing: it is retried. If it fails in the end, check whether it was deleted."

    @property
    def cause(self) -> str:
        # A diagnosis names a 404 differently; it is still the same backoff.
        return TransientMedia404.slug


class CredentialsSuspected(TransientMedia404):
    """Every fetch for this account returns 404: the credentials may belong to another account."""

    slug = "credentials_suspected"
    todo = "Check that the credentials belong to the account in the media URL; then the 404s end."


class RateLimited(TransientFailure):
    """Twilio returned 429: too many concurrent requests for this account."""

    slug = "rate_limited"
    todo = "If it persists, lower WORKER_CONCURRENCY or ask Twilio for a higher limit."


class TwilioError(TransientFailure):
    """Twilio or its CDN returned a server error (408, 425 or 5xx)."""

    slug = "twilio_error"
    todo = "Check status.twilio.com; it is retried."


class CdnRefused(TransientFailure):
    """The CDN rejected its signed link (401 or 403); each attempt requests a new link."""

    slug = "cdn_refused"
    todo = "Check this host's clock, then send Twilio the request IDs."


class UnexpectedResponse(TransientFailure):
    """The response has a status or headers that a media response should not have."""

    slug = "unexpected_answer"
    todo = "Check the attempts; if it persists, send Twilio the request IDs."


class ConnectionFailed(TransientFailure):
    """DNS lookup, TCP connection or TLS verification failed."""

    slug = "connection_failed"
    todo = "Test the host of the last attempt from the worker: DNS, firewall, certificates."


class TooSlow(TransientFailure):
    """The response or its body did not arrive within the timeout."""

    slug = "too_slow"
    todo = "Raise MEDIA_READ_TIMEOUT or MEDIA_TOTAL_TIMEOUT if the media is large."


class BodyTruncated(TransientFailure):
    """The body is shorter than its Content-Length."""

    slug = "truncated"
    todo = "Nothing: partial files are discarded, and it is retried."


class BodyEmpty(TransientFailure):
    """The response succeeded but has an empty body."""

    slug = "empty"
    todo = "If it persists, send Twilio the request IDs."


class WrongEncoding(TransientFailure):
    """The body is compressed although only identity encoding was accepted."""

    slug = "wrong_encoding"
    todo = "Look for a proxy between the worker and Twilio; the attempt shows the Content-Encoding."


class WrongSize(TransientFailure):
    """The size of the body differs from the size in Twilio's metadata."""

    slug = "wrong_size"
    todo = "If it persists, send Twilio the request IDs; the body was discarded."


class ErrorDocument(TransientFailure):
    """The body is an error document or a web page instead of the media."""

    slug = "error_document_as_media"
    todo = "Look for a proxy or a login page between the worker and Twilio; it is retried."


class StorageFailed(LocalFailure):
    """Writing to the storage failed: it is full, read-only or unavailable."""

    slug = "storage_failed"
    outlook = Outlook.AFTER_CHANGE
    todo = "Fix the storage; the items resume automatically."


class ResolverFailed(LocalFailure):
    """The local DNS returns no public address for a Twilio host."""

    slug = "resolver_failed"
    outlook = Outlook.AFTER_CHANGE
    todo = (
        "Check DNS and VPN on the workers' hosts; if a private address is intended, add its "
        "network to MEDIA_ALLOWED_NETWORKS. The items resume automatically."
    )


class ProxyFailed(LocalFailure):
    """The proxy in MEDIA_PROXY cannot be reached, or does not connect to the host."""

    slug = "proxy_failed"
    outlook = Outlook.AFTER_CHANGE
    todo = "Check MEDIA_PROXY and the proxy's log; the items resume automatically."


class CertificateUntrusted(LocalFailure):
    """The certificate of a Twilio host is not trusted: something on this network re-signs TLS."""

    slug = "certificate_untrusted"
    outlook = Outlook.AFTER_CHANGE
    todo = (
        "Set MEDIA_CA_FILE to the CA of the network, and check this host's clock; the items resume "
        "automatically."
    )


class ConfigMissing(LocalFailure):
    """No credentials are configured for the account that owns the media."""

    slug = "config_missing"
    outlook = Outlook.AFTER_CHANGE
    todo = "Set TWILIO_AUTH_TOKEN or add the account to TWILIO_ACCOUNTS_FILE, then restart."


class AccountRefused(LocalFailure):
    """Twilio rejects every request for this account: its media waits until requests succeed."""

    slug = "account_refused"
    outlook = Outlook.AFTER_CHANGE
    todo = "Check the token or API key of the account; the items resume automatically."


class AccountBusy(LocalFailure):
    """Twilio limits the rate of this account: its media is fetched at the allowed rate."""

    slug = "account_busy"
    todo = "Nothing: the rate rises again once the 429s end."


class Unauthorized(FinalFailure):
    """Twilio rejected the credentials (401 or 403)."""

    slug = "unauthorized"
    outlook = Outlook.AFTER_CHANGE
    todo = "Check the token or API key of the account, then retry the failed items."


class BadRequest(FinalFailure):
    """Twilio returned 400: the request for this media is not valid."""

    slug = "bad_request"
    outlook = Outlook.HOPELESS
    todo = "Check the Twilio error code of the last attempt."


class Gone(FinalFailure):
    """Twilio returned 410: the media was removed permanently."""

    slug = "gone"
    outlook = Outlook.HOPELESS
    todo = "It can no longer be fetched; ask the sender to send it again."


class MediaDeleted(FinalFailure):
    """The media was deleted at Twilio: its metadata says so, or is deleted too."""

    slug = "deleted"
    outlook = Outlook.HOPELESS
    todo = "It can no longer be fetched; ask the sender to send it again."


class ExternalStorage(FinalFailure):
    """The recording is stored in the customer's own bucket; Twilio has no copy."""

    slug = "external_storage"
    outlook = Outlook.HOPELESS
    todo = "Fetch it from the bucket configured in the Twilio Console."


class AddressRefused(FinalFailure):
    """The URL is not a Twilio media URL of this event, or resolves to a private network."""

    slug = "address_refused"
    outlook = Outlook.AFTER_CHANGE
    todo = "Compare the URL with the account; see TWILIO_API_HOSTS and MEDIA_ALLOWED_NETWORKS."


class RedirectRefused(FinalFailure):
    """The redirects loop, are too many, or lead to a host that is not allowed."""

    slug = "redirect_refused"
    outlook = Outlook.AFTER_CHANGE
    todo = "If the host is a new Twilio CDN, add it to MEDIA_REDIRECT_HOSTS and retry."


class TooLarge(FinalFailure):
    """The body exceeds MEDIA_MAX_BYTES, or for a recording MEDIA_MAX_RECORDING_BYTES."""

    slug = "too_large"
    outlook = Outlook.AFTER_CHANGE
    todo = "Raise that setting if you want such media, then retry; Twilio still has it."


class UrlMissing(FinalFailure):
    """The webhook announces more media than it has URLs."""

    slug = "url_missing"
    outlook = Outlook.HOPELESS
    todo = "List the message's media at Twilio; the event has the webhook as received."


class Interrupted(FinalFailure):
    """Workers died or lost their lease three times while fetching this item."""

    slug = "interrupted"
    todo = "Check the workers' logs and memory around the attempts, then retry."


class GivenUp(FinalFailure):
    """A user gave up on the item and gave a reason: no further attempt is made."""

    slug = "given_up"
    todo = "Nothing. Retry it if you want it after all; the audit trail shows who gave up on it."


class Erased(FinalFailure):
    """It was erased on request before it was stored; it is never fetched again."""

    slug = "forgotten"
    outlook = Outlook.HOPELESS
    todo = "Nothing: the audit trail shows who erased it and when."


class RecordingTooShort(Absence):
    """The recording was too short to be kept (Twilio error 16101)."""

    slug = "recording_too_short"
    todo = "Nothing: there is no audio."


class RecordingSilent(Absence):
    """The recording was silent and was not kept (Twilio error 16102)."""

    slug = "recording_silent"
    todo = "Nothing: there is no audio."


class RecordingAbsent(Absence):
    """Twilio reports the recording as absent, without a known reason."""

    slug = "recording_absent"
    todo = "Check the recording in the Twilio Console."


class RecordingFailed(Absence):
    """Twilio could not create the recording, for example because its encryption failed."""

    slug = "recording_failed"
    todo = "Check the public key for recording encryption in the Twilio Console."
