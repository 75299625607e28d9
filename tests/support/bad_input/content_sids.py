"""C: messages without a SID, or with an invalid one."""

from __future__ import annotations

from tests.support.bad_input.cases import COMPLETED, ONE_PICTURE, changed
from tests.support.bad_input.content_cases import bad_message, message
from tests.support.payloads import twilio

NO_SID = changed(MessageSid=None, SmsMessageSid=None, SmsSid=None)
MESSAGE_SIDS = [
    bad_message("C14 no message SID", NO_SID),
    bad_message("C14 empty message SIDs", changed(MessageSid="", SmsMessageSid="", SmsSid="")),
    bad_message(
        "C14 a message SID under a name in lower case", (*NO_SID, ("messagesid", twilio.MMS_SID))
    ),
    bad_message(
        "C14 a message SID under a name with a blank", (*NO_SID, ("MessageSid ", twilio.MMS_SID))
    ),
    bad_message("C14 a recording at the message URL", COMPLETED, "wrong_url"),
    bad_message(
        "C15 two message SIDs", (*ONE_PICTURE, ("MessageSid", f"MM{'9' * 32}")), "ambiguous"
    ),
    bad_message(
        "C15 a good and a bad message SID", (*ONE_PICTURE, ("MessageSid", "x")), "ambiguous"
    ),
    message("C15 a good and an empty message SID", (*ONE_PICTURE, ("MessageSid", ""))),
    message("C15 an older name with another SID", changed(SmsSid=f"SM{'9' * 32}")),
    message("C14 the oldest name alone", (*NO_SID, ("SmsSid", twilio.MMS_SID))),
    message(
        "C17 a SID in upper case",
        changed(
            MessageSid=f"MM{'AB' * 16}",
            MediaUrl0=twilio.MEDIA_URLS[0].replace(twilio.MMS_SID, f"MM{'AB' * 16}"),
        ),
    ),
    message(
        "C17 a SID in another case than in its URL",
        changed(
            MessageSid=f"MM{'AB' * 16}",
            MediaUrl0=twilio.MEDIA_URLS[0].replace(twilio.MMS_SID, f"MM{'ab' * 16}"),
        ),
        ("address_refused",),
    ),
] + [
    bad_message(f"{name} as message SID", changed(MessageSid=value))
    for name, value in {
        "C16 35 characters": f"MM{'1' * 33}",
        "C16 33 characters": f"MM{'1' * 31}",
        "C16 half a megabyte": f"MM{'1' * 500_000}",
        "C16 two letters": "MM",
        "C17 a prefix in lower case": f"mm{'1' * 32}",
        "C17 a letter that is no digit": f"MM{'1' * 31}g",
        "C17 another kind": f"IM{'1' * 32}",
        "C18 a line end behind": f"{twilio.MMS_SID}\n",
        "C18 a line end within": f"MM{'1' * 16}\n{'1' * 15}",
        "C18 a blank before": f" {twilio.MMS_SID}",
        "C18 a tab behind": f"{twilio.MMS_SID}\t",
        "C18 full-width digits": "MM" + "\uff11" * 32,
        "C18 Arabic digits": "MM" + "\u0661" * 32,
        "C18 a path": "../../../../etc/passwd",
        "C18 a path of the right length": f"MM{'../' * 10}xx",
        "C18 SQL": "MM' OR '1'='1",
        "C18 a list": f"['{twilio.MMS_SID}']",
    }.items()
]
