"""A minimal provider: a photo service that sends signed JSON with one URL."""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Mapping

from mediapipe.failures import (
    AddressRefused,
    FinalFailure,
    TransientFailure,
    TransientMedia404,
    UnexpectedResponse,
)
from mediapipe.providers.base import (
    AnnouncedMedia,
    Credentials,
    InboundMessage,
    Kind,
    MediaRequest,
    NotFoundCause,
    Parameters,
    PostStorePolicy,
    Reply,
    Response,
    WebhookRequest,
)
from mediapipe.providers.refusals import WebhookForged

name = "toy"
label = "Toy"
sources: tuple[str, ...] = ("photos",)

KEY = b"a shared key"
ACCOUNT = "shop"


def sign(body: bytes) -> str:
    return hmac.new(KEY, body, hashlib.sha256).hexdigest()


def verify(request: WebhookRequest) -> Parameters:
    if not hmac.compare_digest(sign(request.body), request.headers.get("x-toy-signature", "")):
        raise WebhookForged("signature_wrong", "The signature does not match the body.")
    return tuple(json.loads(request.body).items())


def parse(
    source: str, parameters: Parameters, headers: Mapping[str, str] | None = None
) -> InboundMessage | None:
    values = dict(parameters)
    photo = AnnouncedMedia(identity=values["id"], url=values["url"], media_sid=values["id"])
    return InboundMessage(
        kind=Kind.MESSAGE,
        source=source,
        account_sid=ACCOUNT,
        subject_sid=values["id"],
        parameters=parameters,
        media=(photo,),
    )


def reply(source: str) -> Reply:
    return Reply("thanks", "text/plain")


def pre_hook_reply(request: WebhookRequest) -> Reply | None:
    return None


def account_sids() -> list[str]:
    return [ACCOUNT]


def account_name(account_sid: str) -> str:
    return ""


def media_request(*, url: str, account_sid: str, subject_sid: str) -> MediaRequest:
    if not url.startswith("http://127.0.0.1:"):
        raise AddressRefused("Not a URL of the toy.")
    credentials = (Credentials(account_sid, "secret"),)
    return MediaRequest(url, credentials, may_redirect_to=lambda _: False)


def classify(response: Response) -> TransientFailure | FinalFailure | None:
    if response.status == 200:
        return None
    return TransientMedia404() if response.status == 404 else UnexpectedResponse()


def is_own_host(host: str) -> bool:
    return False


def error_code(response: Response) -> int | None:
    return None


def metadata_request(*, url: str, account_sid: str, subject_sid: str) -> MediaRequest:
    raise AddressRefused("The toy has no metadata.")


def not_found_cause(response: Response) -> NotFoundCause | None:
    return None


def post_store_policy(account_sid: str) -> PostStorePolicy:
    return PostStorePolicy.KEEP


def deletion_request(*, url: str, account_sid: str, subject_sid: str) -> MediaRequest:
    raise AddressRefused("The toy deletes nothing.")
