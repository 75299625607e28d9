"""The catalogue of issues; docs/doctor.md shows it as a table, which a test compares with it."""

from __future__ import annotations

from enum import Enum

from mediapipe.management.doctor.findings import Finding, Level


def error(meaning: str, remedy: str) -> tuple[Level, str, str]:
    """Define an issue that keeps the service from working."""
    return Level.ERROR, meaning, remedy


def warning(meaning: str, remedy: str) -> tuple[Level, str, str]:
    """Define an issue that may be intended."""
    return Level.WARNING, meaning, remedy


class AnyIssue(Enum):
    """A misconfiguration. Scripts match its name in lower case."""

    def __init__(self, level: Level, meaning: str, remedy: str) -> None:
        self.level = level
        self.meaning = meaning
        self.remedy = remedy

    def found(self, where: str = "", *, message: str = "", remedy: str = "") -> Finding:
        """Return this issue as a finding; `message` and `remedy` replace the general ones."""
        return Finding(
            self.level,
            message or self.meaning,
            where,
            remedy or self.remedy,
            self.name.lower(),
        )


class Issue(AnyIssue):
    """A misconfiguration of the service, or of its accounts."""

    # Settings
    CHECK_FAILED = error(
        "A setting is invalid; the name is that of Django's check, such as `mediapipe.E001`.",
        "Follow the hint.",
    )
    TIME_ZONE_FIXED = warning(
        "TIME_ZONE has no daylight saving time, and Etc/GMT zones have their sign inverted.",
        "Use a city's time zone, such as TIME_ZONE=Europe/Berlin.",
    )
    MEDIA_PUBLIC = error(
        "MEDIA_ROOT is inside the static files, which are served without a login.",
        "Move the files and set MEDIA_ROOT to a directory outside DATA_DIR/static.",
    )
    READABLE_BY_OTHERS = warning(
        "Other users of this machine can read secrets, messages or media.",
        "Run chmod -R go= on it.",
    )

    # Database
    DATABASE_AWAY = error(
        "Cannot connect to the database.",
        "Start it, or fix DATABASE_URL: host, port, name, user, password.",
    )
    DATABASE_FULL = error(
        "The database refuses more connections.",
        "Run fewer workers, lower WORKER_CONCURRENCY, or raise max_connections; see "
        "docs/deploying.md#connections.",
    )
    DATABASE_TOO_OLD = error(
        "The database server is older than Django supports.", "Upgrade the server."
    )
    DATABASE_IS_SQLITE = warning(
        "The database is SQLite, which allows one writer at a time: fine for trying things out.",
        "Set DATABASE_URL=postgres://... before taking real traffic.",
    )
    MIGRATIONS_MISSING = error("The tables are older than the code.", "Run manage.py migrate.")
    MIGRATIONS_UNKNOWN = warning(
        "The tables are newer than the code: another version has migrated them.",
        "Finish the upgrade, or see docs/upgrading.md on how to go back.",
    )

    # Disk
    DISK_FULL = error(
        "There is less free space than the largest media file that is accepted.",
        "Free some space, or lower MEDIA_MAX_RECORDING_BYTES and MEDIA_MAX_BYTES.",
    )
    DISK_LOW = warning(
        "Less than 1 GiB or 5% of the disk is free.",
        "Free some space, or see docs/operating.md about retention.",
    )
    SPOOL_UNWRITABLE = error(
        "The spool is not writable: webhooks would be lost while the database is down.",
        "Give the service's user write permission there, or set SPOOL_DIR.",
    )
    SPOOL_VOLATILE = error(
        "The spool is in memory: a restart would lose the webhooks in it.",
        "Set SPOOL_DIR to a directory on a disk or a persistent volume.",
    )

    # Storage
    STORAGE_FAILED = error(
        "A file could not be written to the storage and read back.",
        "Check MEDIA_ROOT or STORAGE_URL and the permissions of the service's user.",
    )
    STORAGE_UNDELETABLE = warning(
        "A file could not be deleted from the storage: retention will delete nothing.",
        "Give the service's user permission to delete there.",
    )

    # Broker, workers, beat
    BROKER_AWAY = error(
        "The broker does not respond.", "Start it, or fix host and port in CELERY_BROKER_URL."
    )
    BROKER_REFUSES = error(
        "The broker responds but refuses our login.",
        "Fix user, password or vhost in CELERY_BROKER_URL.",
    )
    BROKER_UNUSABLE = error(
        "The broker responds but accepts no tasks; the message says why.",
        "Follow the remedy in the message: it depends on the cause.",
    )
    WORKER_MISSING = error(
        "No worker has reported, or none for one of the queues: its tasks do not run.",
        "Start a worker, or check that it can reach the broker and the database.",
    )
    WORKER_ELSEWHERE = error(
        "A worker consumes from this broker but has never reported to this database.",
        "Give the worker the same DATABASE_URL.",
    )
    WORKER_OUTDATED = error(
        "A worker does not know the doctor's task: it runs an older version.",
        "Restart the workers with this version.",
    )
    TASK_UNANSWERED = error(
        "A task was queued but its result did not come back, although a worker is alive.",
        "Compare CELERY_BROKER_URL of worker and web; or the worker is busy.",
    )
    STORAGE_NOT_SHARED = error(
        "A worker cannot find the file that was just written: it uses a different storage.",
        "Give web and workers the same directory or the same STORAGE_URL.",
    )
    ACCOUNTS_DIFFER = error(
        "A worker is configured with different Twilio accounts.",
        "Give web and workers the same TWILIO_* variables, and restart them.",
    )
    BEAT_SILENT = error(
        "Beat has not reported: the dispatcher does not run, so lost messages are not recovered.",
        "Start exactly one beat.",
    )
    SWEEP_SILENT = error(
        "The dispatcher is scheduled, but no worker runs it.",
        "Start a worker for the housekeeping queue.",
    )
    SPOOL_NOT_EMPTY = warning(
        "Webhooks are waiting in the spool for the database.",
        "They are recorded automatically; if not, see the web log.",
    )

    # Twilio
    TWILIO_UNREACHABLE = error(
        "Twilio's API is unreachable from here.",
        "Check DNS, VPN, firewall and certificates on this machine, and TWILIO_API_HOSTS; for a "
        "private address see MEDIA_ALLOWED_NETWORKS.",
    )
    TWILIO_ODD = warning(
        "Twilio's API returned an unexpected response.", "Try again, and check status.twilio.com."
    )
    TOKEN_REFUSED = error(
        "Twilio rejects the auth token.",
        "Copy the account SID and primary auth token from the Twilio Console again. A token is "
        "valid in one region only: list a non-US API first in TWILIO_API_HOSTS.",
    )
    TOKEN_OLD = warning(
        "One of several auth tokens is rejected; another one works.",
        "Remove it from the list when the rotation is complete.",
    )
    TEST_CREDENTIALS = error(
        "These are Twilio's test credentials, which cannot access anything this service needs.",
        "Use the live credentials from the Twilio Console home page.",
    )
    ACCOUNT_NOT_ACTIVE = error(
        "The account is suspended or closed.",
        "Reactivate it in the Twilio Console, or contact Twilio Support.",
    )
    API_KEY_REFUSED = error(
        "Twilio rejects the API key: it is wrong, deleted, or of another account or region.",
        "Create a key in the account that owns the media, and copy its SID and secret.",
    )
    API_KEY_RESTRICTED = warning(
        "The API key may not list phone numbers, so whether it may fetch media is unknown.",
        "Check that the restricted key may read message media and recordings.",
    )
    CLOCK_WRONG = error(
        "This machine's clock differs from Twilio's: recorded delays are wrong by as much.",
        "Synchronise this machine's clock with NTP.",
    )

    # Public URL
    PUBLIC_URL_MISSING = error(
        "PUBLIC_BASE_URL is not set: behind a proxy no signature can match.",
        "Set it to the origin configured at Twilio, such as https://media.example.com.",
    )
    PUBLIC_URL_PLAIN = error(
        "PUBLIC_BASE_URL is plain http: anyone on the network path can read the webhooks.",
        "Put a TLS proxy in front and use https:// here and at Twilio.",
    )
    PUBLIC_URL_PRIVATE = warning(
        "The host of PUBLIC_BASE_URL resolves to a private address from here.",
        "Check that it has a public address: Twilio connects from the internet.",
    )
    PUBLIC_URL_UNREACHABLE = error(
        "PUBLIC_BASE_URL is unreachable.",
        "Check DNS, firewall and proxy; if only this machine cannot reach it, run the doctor "
        "elsewhere.",
    )
    CERTIFICATE_UNTRUSTED = error(
        "The certificate of PUBLIC_BASE_URL is not one that Twilio would trust.",
        "Get one for this host from a public authority, with the full chain.",
    )
    PUBLIC_URL_REDIRECTS = error(
        "PUBLIC_BASE_URL redirects, but the signature covers the URL before the redirect.",
        "Use the redirect's target, here and at Twilio.",
    )
    WEB_DOWN = error(
        "A proxy responds at PUBLIC_BASE_URL, but web behind it does not.",
        "Start web, or fix the proxy's upstream address.",
    )
    HOST_REFUSED = error(
        "Web does not serve this host: it was started without this PUBLIC_BASE_URL.",
        "Restart web with this PUBLIC_BASE_URL.",
    )
    PUBLIC_URL_NOT_OURS = error(
        "Something other than this service responds at PUBLIC_BASE_URL.",
        "Make the proxy forward /webhooks/twilio/ to web, without a login in front.",
    )
    SIGNATURE_REFUSED = error(
        "Web rejects a request signed with the configured token.",
        "Restart web with these variables. If that does not help, the proxy changes path or body.",
    )
    QUERY_CHANGED = warning(
        "Web rejects the same request with a query string: the proxy rewrites the query.",
        "Make the proxy forward the query string unchanged.",
    )
