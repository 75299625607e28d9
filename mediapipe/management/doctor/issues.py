"""Every trouble that the doctor knows by name: how bad it is, what it means, what to do.

docs/doctor.md shows them as a table, which a test holds to this file.
"""

from __future__ import annotations

from enum import Enum

from mediapipe.management.doctor.findings import Finding, State


class Trouble(Enum):
    """A misconfiguration; its name in lower case is what scripts look for."""

    # Configuration
    CHECK_FAILED = (
        State.WRONG,
        "A setting cannot be right; the name is that of Django's check, such as `mediapipe.E001`.",
        "Follow the hint.",
    )
    TIME_ZONE_FIXED = (
        State.LOOK,
        "TIME_ZONE knows no summer time, and the sign of Etc/GMT zones is the wrong way round.",
        "Write the zone of a city, such as TIME_ZONE=Europe/Berlin.",
    )
    MEDIA_PUBLIC = (
        State.WRONG,
        "MEDIA_ROOT lies among the static files, which are served without a login.",
        "Move the files and set MEDIA_ROOT to a folder outside of DATA_DIR/static.",
    )

    # Database
    DATABASE_AWAY = (
        State.WRONG,
        "The database does not let us in.",
        "Start it, or correct DATABASE_URL: host, port, name, user, password.",
    )
    DATABASE_TOO_OLD = (
        State.WRONG,
        "The database server is older than Django supports.",
        "Upgrade the server.",
    )
    DATABASE_IS_SQLITE = (
        State.LOOK,
        "The database is SQLite, in which one process writes at a time: enough to try things out.",
        "Set DATABASE_URL=postgres://... before real traffic comes.",
    )
    MIGRATIONS_MISSING = (
        State.WRONG,
        "The tables are older than the program.",
        "Run manage.py migrate.",
    )
    MIGRATIONS_UNKNOWN = (
        State.LOOK,
        "The tables are newer than the program: another version has migrated them.",
        "Finish the update, or see docs/upgrading.md about going back.",
    )

    # Disk
    DISK_FULL = (
        State.WRONG,
        "There is less room than the largest media file that is taken.",
        "Make room, or lower MEDIA_MAX_BYTES.",
    )
    DISK_LOW = (
        State.LOOK,
        "There is less than 1 GiB or 5 % left.",
        "Make room, or see docs/operating.md about retention.",
    )
    SPOOL_UNWRITABLE = (
        State.WRONG,
        "No file can be made in the spool: while the database is away webhooks would be lost.",
        "Give the service's user the right to write there, or set SPOOL_DIR.",
    )
    SPOOL_VOLATILE = (
        State.WRONG,
        "The spool lies in memory: a restart would lose the webhooks in it.",
        "Set SPOOL_DIR to a folder on a disk or a volume that stays.",
    )

    # Storage
    STORAGE_FAILED = (
        State.WRONG,
        "A file could not be written to the storage and read again.",
        "Look at MEDIA_ROOT or STORAGE_URL and at the rights of the service's user.",
    )
    STORAGE_UNDELETABLE = (
        State.LOOK,
        "A file could not be deleted from the storage: retention will delete nothing.",
        "Allow the service's user to delete there.",
    )

    # Broker, workers, beat
    BROKER_AWAY = (
        State.WRONG,
        "The broker does not answer.",
        "Start it, or correct host and port in CELERY_BROKER_URL.",
    )
    BROKER_REFUSES = (
        State.WRONG,
        "The broker answers and does not let us in.",
        "Correct user, password or vhost in CELERY_BROKER_URL.",
    )
    WORKER_MISSING = (
        State.WRONG,
        "No worker was heard of, or none for one of the queues: nothing of it is fetched.",
        "Start a worker, or look whether it reaches broker and database.",
    )
    WORKER_ELSEWHERE = (
        State.WRONG,
        "A worker takes tasks from this broker, and was never heard of in this database.",
        "Give the worker the same DATABASE_URL.",
    )
    WORKER_OUTDATED = (
        State.WRONG,
        "A worker does not know the doctor's task: it runs an older version.",
        "Restart the workers with the version of this program.",
    )
    TASK_UNANSWERED = (
        State.WRONG,
        "A task that was put into a queue did not come back, although its worker lives.",
        "Compare CELERY_BROKER_URL of worker and web; a busy worker answers later.",
    )
    STORAGE_NOT_SHARED = (
        State.WRONG,
        "A worker does not find the file that was just written: its storage is another one.",
        "Give web and workers the same folder or the same STORAGE_URL.",
    )
    ACCOUNTS_DIFFER = (
        State.WRONG,
        "A worker knows other Twilio accounts than this program.",
        "Give web and workers the same TWILIO_* variables, and restart them.",
    )
    BEAT_SILENT = (
        State.WRONG,
        "Beat was not heard of: nothing is swept, what was lost stays lost.",
        "Start beat, exactly one.",
    )
    SWEEP_SILENT = (
        State.WRONG,
        "Beat orders sweeps, or should, and none is done.",
        "Start a worker for the queue housekeeping.",
    )
    SPOOL_NOT_EMPTY = (
        State.LOOK,
        "Webhooks wait in the spool for the database.",
        "They are recorded by themselves; see the log of web if not.",
    )

    # Twilio
    TWILIO_UNREACHABLE = (
        State.WRONG,
        "Twilio's API cannot be reached from here.",
        "Try the host from this machine: DNS, firewall, certificates, TWILIO_API_HOSTS.",
    )
    TWILIO_ODD = (
        State.LOOK,
        "Twilio's API answers something unexpected.",
        "Try again; look at status.twilio.com.",
    )
    TOKEN_REFUSED = (
        State.WRONG,
        "Twilio refuses the auth token.",
        "Copy account SID and primary auth token anew from Twilio's console. A token opens one "
        "region only: an API outside of the US goes first in TWILIO_API_HOSTS.",
    )
    TOKEN_OLD = (
        State.LOOK,
        "One of several auth tokens is refused, another one is not.",
        "Take it out of the list when the rotation is over.",
    )
    TEST_CREDENTIALS = (
        State.WRONG,
        "These are Twilio's test credentials, which open nothing that this service needs.",
        "Take the live credentials from the first page of Twilio's console.",
    )
    ACCOUNT_NOT_ACTIVE = (
        State.WRONG,
        "The account is suspended or closed.",
        "Restore it in Twilio's console, or ask Twilio Support.",
    )
    API_KEY_REFUSED = (
        State.WRONG,
        "Twilio refuses the API key: it is wrong, deleted, or of another account or region.",
        "Make a new key in the account that owns the media, and copy SID and secret.",
    )
    API_KEY_RESTRICTED = (
        State.LOOK,
        "The API key may not list phone numbers: nothing proves that it may fetch media.",
        "Look whether the restricted key may read message media and recordings.",
    )
    CLOCK_WRONG = (
        State.WRONG,
        "This clock and Twilio's differ: the recorded delays would be off by as much.",
        "Let NTP set the clock of this machine.",
    )

    # Where webhooks come in
    PUBLIC_URL_MISSING = (
        State.WRONG,
        "PUBLIC_BASE_URL is not set: behind a proxy no signature would fit.",
        "Set it to the origin that Twilio is told, such as https://media.example.com.",
    )
    PUBLIC_URL_PLAIN = (
        State.WRONG,
        "PUBLIC_BASE_URL is plain http: anybody on the way reads the webhooks.",
        "Put a TLS proxy in front and write https:// there and at Twilio.",
    )
    PUBLIC_URL_PRIVATE = (
        State.LOOK,
        "The host of PUBLIC_BASE_URL has a private address as seen from here.",
        "Look whether it has a public one elsewhere: Twilio comes from the internet.",
    )
    PUBLIC_URL_UNREACHABLE = (
        State.WRONG,
        "Nobody answers at PUBLIC_BASE_URL.",
        "Look at DNS, firewall and proxy; if only this machine cannot reach it, run the doctor "
        "elsewhere.",
    )
    CERTIFICATE_UNTRUSTED = (
        State.WRONG,
        "The certificate of PUBLIC_BASE_URL is not one that Twilio would trust.",
        "Get one of a public authority for this host, with its whole chain.",
    )
    PUBLIC_URL_REDIRECTS = (
        State.WRONG,
        "PUBLIC_BASE_URL redirects, and the signature covers the URL before it.",
        "Write the URL that is redirected to, here and at Twilio.",
    )
    WEB_DOWN = (
        State.WRONG,
        "A proxy answers for PUBLIC_BASE_URL, and web behind it does not.",
        "Start web, or correct where the proxy passes requests on to.",
    )
    HOST_REFUSED = (
        State.WRONG,
        "Web does not serve this host: it was started without this PUBLIC_BASE_URL.",
        "Restart web, and let the proxy keep the Host header.",
    )
    PUBLIC_URL_NOT_OURS = (
        State.WRONG,
        "Something else answers at PUBLIC_BASE_URL.",
        "Let the proxy pass /webhooks/twilio/ on to web, without a login before it.",
    )
    SIGNATURE_REFUSED = (
        State.WRONG,
        "Web refuses a request that was signed with the configured token.",
        "Restart web with these variables. If it goes on, the proxy changes path or body.",
    )
    QUERY_CHANGED = (
        State.LOOK,
        "Web refuses the same request with a query: the proxy writes the query anew.",
        "Let the proxy pass the query on as it is.",
    )

    # What is configured at Twilio
    WEBHOOK_ELSEWHERE = (
        State.WRONG,
        "No phone number, messaging service or WhatsApp or RCS sender of the account sends its "
        "messages here.",
        "Write the messaging URL of the README at the number, the service or the sender.",
    )
    WEBHOOK_ORIGIN_DIFFERS = (
        State.WRONG,
        "The URL at Twilio has our host, and another scheme or port than PUBLIC_BASE_URL.",
        "Write the same origin at both places.",
    )
    WEBHOOK_PATH_WRONG = (
        State.WRONG,
        "The URL at Twilio has our origin and a path that is not served; the last slash counts.",
        "Write /webhooks/twilio/messaging/, for conversations /webhooks/twilio/conversations/.",
    )
    WEBHOOK_WRONG_KIND = (
        State.WRONG,
        "The URL at Twilio is ours for another kind of webhooks, and refuses these.",
        "Write /webhooks/twilio/messaging/, for conversations /webhooks/twilio/conversations/.",
    )
    WEBHOOK_NOT_REPEATED = (
        State.LOOK,
        "Twilio would not repeat a webhook that gets no answer or a 5xx.",
        "Add #rc=5&rp=ct,rt,5xx to the URL at Twilio.",
    )
    FALLBACK_MISSING = (
        State.LOOK,
        "There is no fallback URL that leads here: a webhook has one chance less.",
        "Write the same URL, without the fragment, as fallback.",
    )
    SERVICE_OVERRULES = (
        State.WRONG,
        "The number leads here, and its messaging service sends its messages elsewhere.",
        "Let the service use the number's own webhook, or write our URL at the service.",
    )
    APPLICATION_OVERRULES = (
        State.LOOK,
        "Messages to the number are handled by a TwiML application, whose URL counts.",
        "Compare the messaging URL of that application with the one in the README.",
    )
    NUMBERS_UNREADABLE = (
        State.LOOK,
        "The credentials may not list phone numbers or messaging services.",
        "Compare the URLs in Twilio's console by hand.",
    )
    SENDERS_UNREADABLE = (
        State.LOOK,
        "The credentials may not list WhatsApp and RCS senders.",
        "If you have any, compare their URLs in Twilio's console by hand.",
    )
    CONVERSATIONS_EVENT_MISSING = (
        State.WRONG,
        "The webhook of conversations leads here, and onMessageAdded is not among its events.",
        "Add onMessageAdded to the post-event webhooks.",
    )
    CONVERSATIONS_ASK_BEFORE = (
        State.WRONG,
        "The pre-event webhook of conversations leads here: our trouble would refuse messages.",
        "Take that URL out; what happened is told by the post-event webhook.",
    )
    CONVERSATIONS_OVERRULED = (
        State.LOOK,
        "A conversation service has a webhook of its own, which leads elsewhere.",
        "Write our URL there too if the service's media is wanted.",
    )
    CONVERSATIONS_UNREADABLE = (
        State.LOOK,
        "The credentials may not read the webhooks of conversations.",
        "If you use conversations, compare the URL in Twilio's console by hand.",
    )

    def __init__(self, state: State, meaning: str, todo: str) -> None:
        self.state = state
        self.meaning = meaning
        self.todo = todo

    def found(self, where: str = "", *, what: str = "", todo: str = "") -> Finding:
        """Return this trouble as it was found; `what` and `todo` are more precise than ours."""
        name = self.name.lower()
        return Finding(self.state, what or self.meaning, where, todo or self.todo, name)
