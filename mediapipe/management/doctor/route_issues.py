"""The catalogue's issues about the URLs at Twilio."""

from __future__ import annotations

from mediapipe.management.doctor.issues import AnyIssue, error, warning


class RouteIssue(AnyIssue):
    """A webhook URL at Twilio that is wrong, or could not be read."""

    WEBHOOK_ELSEWHERE = error(
        "No phone number, messaging service or WhatsApp or RCS sender of the account sends its "
        "messages here.",
        "Set the messaging URL from the README on the number, the service or the sender.",
    )
    SOME_ELSEWHERE = warning(
        "Some phone numbers, messaging services or senders send their messages elsewhere, while "
        "others send them here.",
        "Set the messaging URL from the README there too, unless they belong to another app.",
    )
    WEBHOOK_ORIGIN_DIFFERS = error(
        "The URL at Twilio has our host, but another scheme or port than PUBLIC_BASE_URL.",
        "Use the same origin in both places.",
    )
    WEBHOOK_PATH_WRONG = error(
        "The URL at Twilio has our origin but an unknown path; the trailing slash matters.",
        "Use /webhooks/twilio/messaging/; for Conversations (classic), "
        "/webhooks/twilio/conversations/.",
    )
    WEBHOOK_WRONG_KIND = error(
        "The URL at Twilio is our endpoint for another kind of webhook, which rejects these.",
        "Use /webhooks/twilio/messaging/; for Conversations (classic), "
        "/webhooks/twilio/conversations/.",
    )
    WEBHOOK_BY_GET = warning(
        "Twilio sends the webhook with GET, so numbers and texts are in URLs and access logs.",
        "Set the method of the URL at Twilio to POST.",
    )
    WEBHOOK_NOT_REPEATED = warning(
        "Twilio would not retry a webhook that gets no response or a 5xx.",
        "Append #rc=5&rp=ct,rt,5xx to the URL at Twilio.",
    )
    FALLBACK_MISSING = warning(
        "No fallback URL points here, so a failed webhook is not sent a second time.",
        "Set the same URL, without the fragment, as the fallback.",
    )
    SERVICE_OVERRULES = error(
        "The number points here, but its messaging service sends its messages elsewhere.",
        "Let the service use the number's own webhook, or set our URL on the service.",
    )
    APPLICATION_OVERRULES = error(
        "The number points here, but its TwiML application sends its messages elsewhere.",
        "Take the number out of the application, or set our messaging URL on the application.",
    )
    APPLICATION_UNREADABLE = warning(
        "The credentials may not read the TwiML application that handles the number's messages.",
        "Compare its messaging URL in the Twilio Console with the one in the README.",
    )
    NUMBERS_UNREADABLE = warning(
        "The credentials may not list phone numbers or messaging services.",
        "Check the URLs in the Twilio Console.",
    )
    SENDERS_UNREADABLE = warning(
        "The credentials may not list WhatsApp and RCS senders.",
        "If you have any, check their URLs in the Twilio Console.",
    )
    CONVERSATIONS_EVENT_MISSING = error(
        "The webhook of Conversations (classic) points here, but onMessageAdded is not one of its "
        "events.",
        "Add onMessageAdded to the post-event webhooks.",
    )
    CONVERSATIONS_ASK_BEFORE = error(
        "The pre-event webhook of Conversations (classic) points here: an outage here would block "
        "messages.",
        "Remove that URL; the post-event webhook reports what happened.",
    )
    CONVERSATIONS_OVERRULED = warning(
        "A service of Conversations (classic) has its own webhook, which points elsewhere.",
        "Set our URL there too if you want the service's media.",
    )
    CONVERSATIONS_UNREADABLE = warning(
        "The credentials may not read the webhooks of Conversations (classic).",
        "If you use it, check the URL in the Twilio Console.",
    )
