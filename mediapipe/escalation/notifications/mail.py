"""An announcement as an e-mail to everybody in ESCALATION_EMAILS."""

from smtplib import SMTPException, SMTPRecipientsRefused, SMTPResponseException
from urllib.parse import urlsplit

from django.conf import settings
from django.core.mail import EmailMessage

from mediapipe.escalation.notifications.announcement import Announcement
from mediapipe.failures import Undelivered


def send(said: Announcement, message_id: str) -> str:
    """Hand the e-mail to the mail server; return in words to whom, or raise Undelivered."""
    try:
        email(said, message_id).send()
    except (SMTPException, OSError) as error:
        raise _undelivered(error) from None
    return f"{settings.EMAIL_HOST}: taken for {', '.join(settings.ESCALATION_EMAILS)}"


def email(said: Announcement, message_id: str) -> EmailMessage:
    """Return the e-mail; a repeated one has the same Message-ID, by which mailboxes tell."""
    host = urlsplit(settings.PUBLIC_BASE_URL).hostname or "mediapipe.invalid"
    headers = {
        "Message-ID": f"<{message_id}@{host}>",
        # So that nobody's "I am on holiday" comes back.
        "Auto-Submitted": "auto-generated",
    }
    if said.incident:
        # Nobody ever got a message of this name, but all that refer to it are one conversation.
        headers["References"] = f"<incident-{said.incident}@{host}>"
    return EmailMessage(
        subject=f"[mediapipe] {said.headline}",
        body=_body(said),
        to=settings.ESCALATION_EMAILS,
        headers=headers,
    )


def _body(said: Announcement) -> str:
    facts = "\n".join(f"{name + ':':<16}{value}" for name, value in said.facts())
    link = said.url or "Set PUBLIC_BASE_URL, and the link to the incident stands here."
    return "\n\n".join(filter(None, (f"{said.headline}.", said.detail, facts, link)))


def _undelivered(error: SMTPException | OSError) -> Undelivered:
    """Return what the mail server meant: 4xx is not now, 5xx never like this."""
    answers: list[tuple[int, bytes | str]] = []
    if isinstance(error, SMTPResponseException):
        answers = [(error.smtp_code, error.smtp_error)]
    elif isinstance(error, SMTPRecipientsRefused):
        answers = list(error.recipients.values())
    if not answers:
        return Undelivered(f"{settings.EMAIL_HOST}: {type(error).__name__}", again=True)
    code, text = answers[0]
    shown = text.decode(errors="replace") if isinstance(text, bytes) else text
    again = any(code < 500 for code, _ in answers)
    return Undelivered(f"{settings.EMAIL_HOST}: {code} {' '.join(shown.split())}", again=again)
