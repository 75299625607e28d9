from smtplib import SMTPException, SMTPRecipientsRefused, SMTPResponseException
from urllib.parse import urlsplit

from django.conf import settings
from django.core.mail import EmailMessage

from mediapipe.escalation.notifications.announcement import Announcement
from mediapipe.failures import Undelivered


def send_email(content: Announcement, message_id: str) -> str:
    """E-mail it to ESCALATION_EMAILS; return the server that accepted it, or raise Undelivered."""
    try:
        build_email(content, message_id).send()
    except (SMTPException, OSError) as error:
        raise _undelivered(error) from None
    return f"{_server()}: accepted for {', '.join(settings.ESCALATION_EMAILS)}"


def build_email(content: Announcement, message_id: str) -> EmailMessage:
    """Return the e-mail; each attempt has the same Message-ID, so mailboxes can drop duplicates."""
    host = urlsplit(settings.PUBLIC_BASE_URL).hostname or "mediapipe.invalid"
    # Auto-Submitted keeps out-of-office replies away (RFC 3834).
    headers = {"Message-ID": f"<{message_id}@{host}>", "Auto-Submitted": "auto-generated"}
    if content.incident:
        # No message has this id, but mail clients group all messages that refer to it.
        headers["References"] = f"<incident-{content.incident}@{host}>"
    facts = "\n".join(f"{name + ':':<16}{value}" for name, value in content.facts())
    link = content.url or "Set PUBLIC_BASE_URL to get a link to the incident here."
    body = "\n\n".join(filter(None, (f"{content.headline}.", content.detail, facts, link)))
    return EmailMessage(
        subject=f"[mediapipe] {content.headline}",
        body=body,
        to=settings.ESCALATION_EMAILS,
        headers=headers,
    )


def _undelivered(error: SMTPException | OSError) -> Undelivered:
    """Return the failure that an SMTP error means: 4xx is transient, 5xx is permanent."""
    replies: list[tuple[int, bytes | str]] = []
    if isinstance(error, SMTPResponseException):
        replies = [(error.smtp_code, error.smtp_error)]
    elif isinstance(error, SMTPRecipientsRefused):
        replies = list(error.recipients.values())
    if not replies:
        return Undelivered(f"{_server()}: {type(error).__name__}", again=True)
    code, text = replies[0]
    shown = text.decode(errors="replace") if isinstance(text, bytes) else text
    again = any(code < 500 for code, _ in replies)
    return Undelivered(f"{_server()}: {code} {' '.join(shown.split())}", again=again)


def _server() -> str:
    return urlsplit(settings.EMAIL_URL).hostname or "localhost"
