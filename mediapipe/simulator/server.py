from pathlib import Path
from typing import Self, Unpack
from urllib.parse import urlsplit

from mediapipe.simulator.api import ApiRequestHandler
from mediapipe.simulator.cdn import CdnRequestHandler
from mediapipe.simulator.log import RequestLog
from mediapipe.simulator.origin import Origin
from mediapipe.simulator.payloads import Webhook
from mediapipe.simulator.script import (
    ACCOUNT_SID,
    AUTH_TOKEN,
    MediaOptions,
    MediaScript,
    conversation_media,
    message_media,
    recording,
)
from mediapipe.simulator.state import State
from mediapipe.simulator.webhooks import Delivery, Method, Signature, WebhookSender

Address = tuple[str, int]


class Simulator:
    """A simulated Twilio: both origins, the log, and the sender of webhooks.

    with Simulator(service="http://127.0.0.1:8000") as twilio:
        late = payloads.mms(2, delay_s=1.5)
        assert twilio.send(late) == 200
        ...
        assert twilio.log.statuses_of(late.media[0].sid, "api") == [404, 307]
    """

    def __init__(
        self,
        *,
        accounts: dict[str, str] | None = None,
        api_keys: dict[str, tuple[str, str]] | None = None,
        service: str = "http://127.0.0.1:8000",
        api: Address = ("127.0.0.1", 0),
        cdn: Address = ("127.0.0.2", 0),
        log_file: Path | None = None,
    ) -> None:
        """Bind both origins; port 0 picks a free one.

        `accounts`: account SID to auth token. `api_keys`: SK... to (secret, account SID).
        `service`: the origin that receives the webhooks.
        """
        self.log = RequestLog(log_file)
        self.state = State(accounts or {ACCOUNT_SID: AUTH_TOKEN}, api_keys or {}, self.log)
        self._api = Origin(api, ApiRequestHandler, self.state)
        self._cdn = Origin(cdn, CdnRequestHandler, self.state)
        self.state.api_origin = self.api_origin = self._api.url
        self.state.cdn_origin = self.cdn_origin = self._cdn.url
        self._sender = WebhookSender(self.state, service)

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *exception: object) -> None:
        self.stop()

    def start(self) -> None:
        """Serve both origins in the background."""
        self._api.start()
        self._cdn.start()

    def stop(self) -> None:
        """End hanging responses, break open connections, and close everything."""
        for script in self.state.media():
            script.release()
        self._api.stop()
        self._cdn.stop()
        self.log.close()

    def add_message_media(self, **options: Unpack[MediaOptions]) -> MediaScript:
        """Register a message medium that no webhook has announced yet."""
        return self.state.register(message_media(**options))

    def add_recording(self, **options: Unpack[MediaOptions]) -> MediaScript:
        """Register a recording that no webhook has announced yet."""
        return self.state.register(recording(**options))

    def add_conversation_media(self, **options: Unpack[MediaOptions]) -> MediaScript:
        """Register a medium of a conversation that no webhook has announced yet."""
        return self.state.register(conversation_media(**options))

    def send(
        self,
        webhook: Webhook,
        *,
        to: str = "",
        method: Method = "POST",
        signature: Signature = "right",
    ) -> int:
        """Announce the webhook's media, send it signed, and return the response's status.

        See WebhookSender.send.
        """
        return self._sender.send(webhook, to=to, method=method, signature=signature)

    def deliveries(self) -> list[Delivery]:
        """Return every webhook sent so far and its outcome."""
        return self._sender.deliveries()

    def environment(self) -> dict[str, str]:
        """Return the environment variables that point the service to this simulator."""
        account_sid, token = next(iter(self.state.accounts.items()))
        return {
            "TWILIO_ACCOUNT_SID": account_sid,
            "TWILIO_AUTH_TOKEN": token,
            "TWILIO_API_HOSTS": self.api_origin,
            "TWILIO_API_URL": self.api_origin,
            "TWILIO_MCS_URL": self.api_origin,
            "MEDIA_REDIRECT_HOSTS": urlsplit(self.cdn_origin).netloc,
            "MEDIA_ALLOWED_NETWORKS": "127.0.0.0/8",
        }
