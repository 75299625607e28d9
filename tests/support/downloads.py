"""A download over loopback, and a stub provider."""

import io
import ipaddress
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import BinaryIO

import pytest
from pytest_django import Settings

from mediapipe.failures import (
    Failure,
    FinalFailure,
    Gone,
    RateLimited,
    TransientFailure,
    TransientMedia404,
    Unauthorized,
)
from mediapipe.fetching.http.download import download
from mediapipe.fetching.http.session import close_session
from mediapipe.providers.base import (
    Body,
    Credentials,
    Evidence,
    InboundMessage,
    Link,
    MediaRequest,
    NotFoundCause,
    Parameters,
    PostStorePolicy,
    Reply,
    Response,
    WebhookRequest,
)

ANN = Credentials("ann", "first-secret")
BOB = Credentials("bob", "second-secret")


@pytest.fixture
def loopback(settings: Settings) -> Iterator[None]:
    """Allow loopback addresses, with time limits that no busy machine reaches."""
    settings.MEDIA_ALLOWED_NETWORKS = [ipaddress.ip_network("127.0.0.0/8")]
    settings.MEDIA_MAX_BYTES = 1_000_000
    settings.MEDIA_CONNECT_TIMEOUT_S = 20.0
    settings.MEDIA_READ_TIMEOUT_S = 20.0
    settings.MEDIA_TOTAL_TIMEOUT_S = 40.0
    close_session()
    yield
    close_session()


class StubProvider:
    """A provider that knows four statuses, and reads the error code from a body of digits."""

    name = "stub"
    label = "Stub"
    sources: tuple[str, ...] = ()

    def verify(self, request: WebhookRequest) -> Parameters:
        raise NotImplementedError

    def post_store_policy(self, account_sid: str) -> PostStorePolicy:
        raise NotImplementedError

    def deletion_request(self, *, url: str, account_sid: str, subject_sid: str) -> MediaRequest:
        raise NotImplementedError

    def parse(
        self, source: str, parameters: Parameters, headers: Mapping[str, str] | None = None
    ) -> InboundMessage:
        raise NotImplementedError

    def reply(self, source: str) -> Reply:
        raise NotImplementedError

    def pre_hook_reply(self, request: WebhookRequest) -> Reply | None:
        raise NotImplementedError

    def account_sids(self) -> list[str]:
        raise NotImplementedError

    def account_name(self, account_sid: str) -> str:
        raise NotImplementedError

    def media_request(self, *, url: str, account_sid: str, subject_sid: str) -> MediaRequest:
        raise NotImplementedError

    def classify(self, response: Response) -> TransientFailure | FinalFailure | None:
        if response.status == 429:
            return RateLimited(retry_after_s=float(response.headers.get("retry-after", 0)))
        meanings: dict[int, type[TransientFailure | FinalFailure]]
        meanings = {401: Unauthorized, 404: TransientMedia404, 410: Gone}
        return meanings[response.status]() if response.status in meanings else None

    def metadata_request(self, *, url: str, account_sid: str, subject_sid: str) -> MediaRequest:
        raise NotImplementedError

    def not_found_cause(self, response: Response) -> NotFoundCause | None:
        raise NotImplementedError

    def is_own_host(self, host: str) -> bool:
        return False

    def error_code(self, response: Response) -> int | None:
        return int(response.body_head) if response.body_head.isdigit() else None


@dataclass
class Download:
    """The arguments of one download, and its evidence."""

    url: str
    credentials: tuple[Credentials, ...] = (ANN,)
    may_redirect_to: Callable[[str], bool] = lambda url: True
    link_in: Callable[[Response], Link | None] | None = None
    to: BinaryIO = field(default_factory=io.BytesIO)
    evidence: Evidence = field(default_factory=Evidence)
    progress: int = 0
    max_bytes: int | None = None

    def run(self) -> Body:
        return download(
            MediaRequest(self.url, self.credentials, self.may_redirect_to, self.link_in),
            self.to,
            provider=StubProvider(),
            evidence=self.evidence,
            on_progress=self._advance,
            max_bytes=self.max_bytes,
        )

    def fails_as(self, failure: type[Failure]) -> Failure:
        with pytest.raises(failure, check=lambda raised: type(raised) is failure) as caught:
            self.run()
        return caught.value

    def _advance(self) -> None:
        self.progress += 1


def get(url: str) -> bytes:
    """Return the bytes of a download that must succeed."""
    one = Download(url)
    one.run()
    assert isinstance(one.to, io.BytesIO)
    return one.to.getvalue()
