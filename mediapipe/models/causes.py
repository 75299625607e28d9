from __future__ import annotations

from django.db import models


class Cause(models.TextChoices):
    """What an incident is about: one incident, however many media items it affects."""

    EARLY_404S = "early_not_found", "Early 404s"
    SLOW_PROPAGATION = "slow_propagation", "Slow propagation"
    FAILURES = "failed_for_good", "Permanent failures"
    CREDENTIALS = "credentials_refused", "Credentials"
    CREDENTIALS_SUSPECTED = "credentials_suspected", "Credentials suspected"
    RATE_LIMIT = "rate_limited", "Rate limit"
    STORAGE = "storage_failed", "Storage"
    DISK = "disk_low", "Disk"
    RESOLVER = "resolver_failed", "DNS"
    PROXY = "proxy_failed", "Proxy"
    CERTIFICATE = "certificate_untrusted", "TLS"
    RECORDING_SIZE = "recording_too_large", "Recording too large"
    QUEUE = "queue_delayed", "Our own queue"
    NOT_CONFIGURED = "config_missing", "Account not configured"
    HAND_OFFS = "hand_offs_failing", "Hand-offs"
    COMPONENT = "component_stuck", "Component"
    APP_REFUSES = "app_refuses", "App refuses"
    POINTS_ELSEWHERE = "points_elsewhere", "Number points elsewhere"

    @property
    def meaning(self) -> str:
        """What the problem is, in the present tense: for an ongoing incident."""
        return MEANINGS[self][0]

    @property
    def todo(self) -> str:
        return MEANINGS[self][1]

    @property
    def failure(self) -> str:
        """The slug of the failure of affected items; for some causes no failure has this slug."""
        return Cause.STORAGE.value if self == Cause.DISK else self.value

    @property
    def past(self) -> str:
        """What the problem was, in the past tense: for an incident that is over."""
        return PAST[self]


# Each value is the slug of the local failure that opens the incident; a stored item resolves it.
LOCAL_CAUSES = (Cause.STORAGE, Cause.RESOLVER, Cause.PROXY, Cause.CERTIFICATE)
# Those that Twilio Support can act on.
FOR_TWILIO = (Cause.EARLY_404S, Cause.SLOW_PROPAGATION, Cause.FAILURES, Cause.RATE_LIMIT)
MEANINGS: dict[Cause, tuple[str, str]] = {
    Cause.EARLY_404S: (
        "Twilio's webhooks arrive before the media is available, unusually often.",
        "Send Twilio Support the package with the media, and enter the ticket number here.",
    ),
    Cause.SLOW_PROPAGATION: (
        "Twilio's media takes much longer to become available than in the two weeks before.",
        "Send Twilio Support the package with the media, and enter the ticket number here.",
    ),
    Cause.FAILURES: (
        "Many media items failed permanently.",
        "Check the reasons, fix local problems, then retry the items.",
    ),
    Cause.CREDENTIALS: (
        "Twilio rejects every request for this account: its media waits.",
        "Check the token or API key of the account; the items resume automatically.",
    ),
    Cause.CREDENTIALS_SUSPECTED: (
        "Every fetch for this account returns 404, and none ever succeeded.",
        "Check that the credentials belong to the account in the media URLs. Twilio is not the "
        "cause.",
    ),
    Cause.RATE_LIMIT: (
        "Twilio returns 429: too many concurrent requests for this account.",
        "Nothing: requests are spaced automatically. If it persists, ask for a higher limit.",
    ),
    Cause.STORAGE: (
        "Writing to the storage fails: it is full, read-only or unavailable.",
        "Fix the storage; the items resume automatically.",
    ),
    Cause.DISK: (
        "A disk is nearly full: its free space is below 1 GiB, 5% or the size of the largest "
        "media file that is accepted. Once it is full, no file can be stored.",
        "Free some space, or delete older files with RETENTION_FILES_DAYS; items that could not be "
        "stored resume automatically.",
    ),
    Cause.RESOLVER: (
        "The local DNS returns no public address for a Twilio host: media waits.",
        "Check DNS and VPN on the workers' hosts; if a private address is intended, add its "
        "network to MEDIA_ALLOWED_NETWORKS. The items resume automatically.",
    ),
    Cause.PROXY: (
        "The proxy in MEDIA_PROXY cannot be reached, or does not connect to Twilio.",
        "Check MEDIA_PROXY and the proxy's log; the items resume automatically.",
    ),
    Cause.CERTIFICATE: (
        "The certificate of a Twilio host is not trusted: something on this network re-signs TLS.",
        "Set MEDIA_CA_FILE to the CA of the network, and check this host's clock; the items resume "
        "automatically.",
    ),
    Cause.RECORDING_SIZE: (
        "A recording is larger than MEDIA_MAX_RECORDING_BYTES and was not stored; Twilio still has "
        "it.",
        "Raise MEDIA_MAX_RECORDING_BYTES, then retry the affected media.",
    ),
    Cause.QUEUE: (
        "Media waits in the local queue; Twilio is not the cause.",
        "Check that workers, beat and broker run, and that there are enough workers.",
    ),
    Cause.NOT_CONFIGURED: (
        "Webhooks of this account arrive, but it has no credentials: its media waits.",
        "Set TWILIO_AUTH_TOKEN or add the account to TWILIO_ACCOUNTS_FILE, then restart; the items "
        "resume automatically.",
    ),
    Cause.HAND_OFFS: (
        "Hand-offs fail: the receiver does not learn which media was stored or failed.",
        "See the responses in the list of hand-offs and fix the receiver; failed hand-offs can be "
        "retried there.",
    ),
    Cause.COMPONENT: (
        "A component of the service does not respond.",
        "Follow its remedy on the overview.",
    ),
    Cause.APP_REFUSES: (
        "An app behind the gateway responds with 401 or 403: it does not accept our signature.",
        "Compare the app's url in GATEWAY_FILE with the URL that it expects (host, scheme and "
        "path), and its auth token with that of the account; then send the messages again.",
    ),
    Cause.POINTS_ELSEWHERE: (
        "A number, messaging service or sender at Twilio no longer sends its webhooks here: its "
        "messages are neither recorded nor passed on.",
        "Find it on the page Webhook setup, and set our URL at Twilio again. If an app has "
        "replaced it, keep that app from registering its own URL. If the change is "
        "intended, accept it on that page.",
    ),
}
PAST: dict[Cause, str] = {
    Cause.EARLY_404S: "Twilio's webhooks arrived before the media was available.",
    Cause.SLOW_PROPAGATION: "Twilio's media took much longer to become available than before.",
    Cause.FAILURES: "Many media items failed permanently.",
    Cause.CREDENTIALS: "Twilio rejected every request for this account.",
    Cause.CREDENTIALS_SUSPECTED: "Every fetch for this account returned 404.",
    Cause.RATE_LIMIT: "Twilio returned 429: too many concurrent requests for this account.",
    Cause.STORAGE: "Writing to the storage failed.",
    Cause.DISK: "A disk was nearly full.",
    Cause.RESOLVER: "The local DNS returned no public address for a Twilio host.",
    Cause.PROXY: "The proxy could not be reached, or did not connect to Twilio.",
    Cause.CERTIFICATE: "The certificate of a Twilio host was not trusted.",
    Cause.RECORDING_SIZE: "A recording was larger than MEDIA_MAX_RECORDING_BYTES.",
    Cause.QUEUE: "Media waited in the local queue.",
    Cause.NOT_CONFIGURED: "This account had no credentials.",
    Cause.HAND_OFFS: "Hand-offs failed.",
    Cause.COMPONENT: "A component of the service did not respond.",
    Cause.APP_REFUSES: "An app behind the gateway did not accept our signature.",
    Cause.POINTS_ELSEWHERE: "A number, messaging service or sender sent its webhooks elsewhere.",
}
