"""Twilio: what it signs, what its webhooks say, how its media is asked for."""

from mediapipe.failures import FinalFailure, TransientFailure
from mediapipe.providers.base import (
    InboundMessage,
    MediaRequest,
    NotFoundCause,
    PostStorePolicy,
    Response,
    WebhookRequest,
)
from mediapipe.providers.twilio import conversations, media, metadata, signature, webhooks
from mediapipe.providers.twilio.accounts import accounts


class Twilio:
    """The Provider that speaks Twilio."""

    name = "twilio"

    def verify(self, request: WebhookRequest) -> tuple[tuple[str, str], ...]:
        """Return the parameters that Twilio signed; raise WebhookForged or WebhookUnreadable."""
        return signature.verify(request)

    def parse(self, source: str, parameters: tuple[tuple[str, str], ...]) -> InboundMessage | None:
        """Return verified parameters as a message, or raise WebhookUnreadable."""
        return webhooks.parse(source, parameters)

    def is_pre_hook(self, request: WebhookRequest) -> bool:
        """Tell whether a refusal would make Twilio drop what this request asks about."""
        return conversations.is_pre_hook(request)

    def media_request(self, *, url: str, account_sid: str, subject_sid: str) -> MediaRequest:
        """Return how to ask for this URL; raise AddressRefused or ConfigMissing."""
        return media.media_request(url=url, account_sid=account_sid, subject_sid=subject_sid)

    def classify(self, answer: Response) -> TransientFailure | FinalFailure | None:
        """Return which failure an answer means, or None where the body is the media."""
        return media.classify(answer)

    def metadata_request(self, *, url: str, account_sid: str, subject_sid: str) -> MediaRequest:
        """Return how to ask what is known of this media; raise as media_request does."""
        return metadata.request(url=url, account_sid=account_sid, subject_sid=subject_sid)

    def not_found_cause(self, answer: Response) -> NotFoundCause | None:
        """Return what the metadata tells of media that is not found."""
        return metadata.not_found_cause(answer)

    def post_store_policy(self, account_sid: str) -> PostStorePolicy:
        """Return what this account wishes for what Twilio still has of a stored item."""
        account = accounts().get(account_sid)
        return account.after_storing if account else PostStorePolicy.KEEP

    def deletion_request(self, *, url: str, account_sid: str, subject_sid: str) -> MediaRequest:
        """Return how to ask that this media be deleted; raise AddressRefused or ConfigMissing."""
        return media.deletion_request(url=url, account_sid=account_sid, subject_sid=subject_sid)

    def error_code(self, answer: Response) -> int | None:
        """Return Twilio's error code (20404 for instance) from an error document."""
        return media.error_code(answer)
