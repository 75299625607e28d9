"""Bodies of Twilio's webhooks with their captured field sets, order and encoding.

Phone numbers, names and SIDs are replaced. Bodies marked "made up" follow Twilio's documentation
because no capture of them has been published.
"""

from tests.support import make

ACCOUNT_SID = make.ACCOUNT
MMS_SID = "MM" + "1" * 32
SMS_SID = "SM" + "2" * 32
MEDIA_SIDS = ["ME" + "a" * 32, "ME" + "b" * 32, "ME" + "c" * 32]
RECORDING_SID = "RE" + "3" * 32
CALL_SID = "CA" + "4" * 32
CONFERENCE_SID = "CF" + "5" * 32
USER_ID = "BR.AbCdEfGh01234xyz"

API = make.API
MESSAGE_PATH = f"/2010-04-01/Accounts/{ACCOUNT_SID}/Messages/{MMS_SID}/Media"
MEDIA_URLS = [f"{API}{MESSAGE_PATH}/{sid}" for sid in MEDIA_SIDS]
RECORDING_URL = f"{API}/2010-04-01/Accounts/{ACCOUNT_SID}/Recordings/{RECORDING_SID}"

_ACCOUNT = f"https%3A%2F%2Fapi.twilio.com%2F2010-04-01%2FAccounts%2F{ACCOUNT_SID}"
_MEDIA = [f"{_ACCOUNT}%2FMessages%2F{MMS_SID}%2FMedia%2F{sid}" for sid in MEDIA_SIDS]
_RECORDING = f"{_ACCOUNT}%2FRecordings%2F{RECORDING_SID}"

MMS_THREE_PICTURES = (
    f"ToCountry=US&ToState=FL&SmsMessageSid={MMS_SID}&ToCity=ORANGE+CITY&FromZip=05701"
    f"&SmsSid={MMS_SID}&FromState=VT&SmsStatus=received&FromCity=RUTLAND&Body=&FromCountry=US"
    f"&To=%2B15550000001&ToZip=32763&NumSegments=3&MessageSid={MMS_SID}&AccountSid={ACCOUNT_SID}"
    "&From=%2B15550000002&NumMedia=3&MediaContentType0=image%2Fjpeg"
    "&MediaContentType1=image%2Fjpeg&MediaContentType2=image%2Fjpeg"
    f"&MediaUrl0={_MEDIA[0]}&MediaUrl1={_MEDIA[1]}&MediaUrl2={_MEDIA[2]}&ApiVersion=2010-04-01"
)

MMS_ONE_PICTURE = (
    f"ToCountry=US&MediaContentType0=image%2Fjpeg&ToState=TX&SmsMessageSid={MMS_SID}&NumMedia=1"
    f"&ToCity=&FromZip=06607&SmsSid={MMS_SID}&FromState=CT&SmsStatus=received"
    "&FromCity=BRIDGEPORT&Body=Test+mms&FromCountry=US&To=%2B15550000001&ToZip=&NumSegments=1"
    f"&MessageSid={MMS_SID}&AccountSid={ACCOUNT_SID}&From=%2B15550000002&MediaUrl0={_MEDIA[0]}"
    "&ApiVersion=2010-04-01"
)

SMS_WITHOUT_MEDIA = (
    f"ToCountry=US&ToState=CA&SmsMessageSid={SMS_SID}&NumMedia=0&ToCity=SAN+BRUNO&FromZip=94030"
    f"&SmsSid={SMS_SID}&FromState=CA&SmsStatus=received&FromCity=SAN+BRUNO"
    "&Body=hi+there%2C+2%2B3%3D4&FromCountry=US&To=%2B15550000001&ToZip=94030&NumSegments=1"
    f"&ReferralNumMedia=0&MessageSid={SMS_SID}&AccountSid={ACCOUNT_SID}&From=%2B15550000002"
    "&ApiVersion=2010-04-01"
)

WHATSAPP_PICTURE = (
    f"MediaContentType0=image%2Fjpeg&SmsMessageSid={MMS_SID}&NumMedia=1&ProfileName=Some+Name"
    f"&SmsSid={MMS_SID}&WaId=15550000002&SmsStatus=received&Body=&To=whatsapp%3A%2B15550000001"
    f"&NumSegments=1&ReferralNumMedia=0&MessageSid={MMS_SID}&AccountSid={ACCOUNT_SID}"
    f"&From=whatsapp%3A%2B15550000002&MediaUrl0={_MEDIA[0]}&ApiVersion=2010-04-01"
)

WHATSAPP_TEXT = (
    f"SmsMessageSid={SMS_SID}&NumMedia=0&ProfileName=Some+Name&MessageType=text&SmsSid={SMS_SID}"
    "&WaId=15550000002&SmsStatus=received&Body=Hi&To=whatsapp%3A%2B14155238886&NumSegments=1"
    f"&ReferralNumMedia=0&MessageSid={SMS_SID}&AccountSid={ACCOUNT_SID}"
    "&ChannelMetadata=%7B%22type%22%3A%22whatsapp%22%2C%22data%22%3A%7B%22context%22%3A%7B%22"
    "ProfileName%22%3A%22Some+Name%22%2C%22WaId%22%3A%2215550000002%22%7D%7D%7D"
    "&From=whatsapp%3A%2B15550000002&ApiVersion=2010-04-01"
)

WHATSAPP_BUTTON = (
    f"{WHATSAPP_TEXT.replace('MessageType=text', 'MessageType=interactive')}"
    "&OriginalRepliedMessageSender=whatsapp%3A%2B14155238886"
    f"&OriginalRepliedMessageSid={MMS_SID}&ExternalUserId=whatsapp%3AID.1&Forwarded=false"
    "&FrequentlyForwarded=false&ButtonText=Yes&ButtonPayload=yes"
)

# Made up from reports: the id of a user who hides their number, and no WaId.
WHATSAPP_WITHOUT_NUMBER = (
    WHATSAPP_PICTURE.replace("&WaId=15550000002", "").replace("%2B15550000002", USER_ID)
    + f"&ExternalUserId=whatsapp%3A{USER_ID}"
    "&ParentExternalUserId=whatsapp%3AUS.ENT.11815799212886844830"
)

# Made up.
WHATSAPP_VOICE_NOTE = WHATSAPP_PICTURE.replace("image%2Fjpeg", "audio%2Fogg").replace("Body=&", "")

# Made up; WhatsApp puts the file name of a document into Body.
WHATSAPP_DOCUMENT = WHATSAPP_PICTURE.replace("image%2Fjpeg", "application%2Fpdf").replace(
    "Body=&", "Body=invoice.pdf&"
)

# Spaces are %20 here and + in messages.
RECORDING_COMPLETED = (
    f"RecordingSource=StartCallRecordingAPI&RecordingTrack=both&RecordingSid={RECORDING_SID}"
    f"&RecordingUrl={_RECORDING}&RecordingStatus=completed&RecordingChannels=2&ErrorCode=0"
    f"&CallSid={CALL_SID}&RecordingStartTime=Wed%2C%2020%20Apr%202022%2023%3A45%3A25%20%2B0000"
    f"&AccountSid={ACCOUNT_SID}&RecordingDuration=11"
)

RECORD_VERB_COMPLETED = (
    f"RecordingSource=RecordVerb&RecordingSid={RECORDING_SID}"
    f"&RecordingUrl={_RECORDING}&RecordingStatus=completed&RecordingChannels=1&ErrorCode=0"
    f"&CallSid={CALL_SID}&RecordingStartTime=Wed%2C%2020%20Apr%202022%2023%3A45%3A25%20%2B0000"
    f"&AccountSid={ACCOUNT_SID}&RecordingDuration=11"
)

# Made up.
RECORDING_ABSENT = (
    f"CallSid={CALL_SID}&RecordingSid={RECORDING_SID}&RecordingStatus=absent"
    f"&AccountSid={ACCOUNT_SID}"
)

RECORD_VERB_ACTION = (
    f"AccountSid={ACCOUNT_SID}&ApiVersion=2010-04-01&ApplicationSid=AP{'6' * 32}"
    f"&CallSid={CALL_SID}&CallStatus=completed&Called=%2B15550000001&CalledCity=&CalledCountry=US"
    "&CalledState=TX&CalledZip=&Caller=%2B15550000002&CallerCity=CHICAGO&CallerCountry=US"
    "&CallerState=IL&CallerZip=60601&Digits=hangup&Direction=inbound&From=%2B15550000002"
    "&FromCity=CHICAGO&FromCountry=US&FromState=IL&FromZip=60601&RecordingDuration=12"
    f"&RecordingSid={RECORDING_SID}&RecordingUrl={_RECORDING}&To=%2B15550000001&ToCity="
    "&ToCountry=US&ToState=TX&ToZip="
)

TRANSCRIPTION = (
    "ApiVersion=2010-04-01&TranscriptionType=fast"
    f"&TranscriptionUrl={_RECORDING}%2FTranscriptions%2FTR{'7' * 32}"
    f"&TranscriptionSid=TR{'7' * 32}&Called=%2B15550000001&RecordingSid={RECORDING_SID}"
    f"&CallStatus=completed&RecordingUrl={_RECORDING}&From=%2B15550000002&Direction=inbound"
    f"&url=https%3A%2F%2Fexample.com%2Ftranscribed&AccountSid={ACCOUNT_SID}"
    "&TranscriptionText=Hello&Caller=%2B15550000002&TranscriptionStatus=completed"
    f"&CallSid={CALL_SID}&To=%2B15550000001&ForwardedFrom=%2B15550000001"
)

# Made up.
CONFERENCE_RECORDING = (
    f"RecordingSid={RECORDING_SID}&ConferenceSid={CONFERENCE_SID}&AccountSid={ACCOUNT_SID}"
    f"&RecordingUrl={_RECORDING}&RecordingStatus=completed&RecordingDuration=11"
    "&RecordingChannels=1&RecordingStartTime=Wed%2C%2020%20Apr%202022%2023%3A45%3A25%20%2B0000"
    "&RecordingSource=Conference"
)

CONVERSATION_TEXT = (
    "EventType=onMessageAdded&Attributes=%7B%7D&DateCreated=2021-08-10T18%3A00%3A58.111Z&Index=35"
    f"&MessageSid=IM{'8' * 32}&AccountSid={ACCOUNT_SID}&Source=SDK&ClientIdentity=dave"
    f"&RetryCount=0&Author=dave&ParticipantSid=MB{'9' * 32}&Body=two&ConversationSid=CH{'a' * 32}"
)

# Made up.
CONVERSATION_PICTURE = (
    f"EventType=onMessageAdded&MessageSid=IM{'8' * 32}&AccountSid={ACCOUNT_SID}"
    f"&ConversationSid=CH{'a' * 32}&ChatServiceSid=IS{'b' * 32}&Author=%2B15550000002&Body=look"
    f"&Media=%5B%7B%22Sid%22%3A%22{MEDIA_SIDS[0]}%22%2C%22Filename%22%3A%22photo.jpg%22%2C%22"
    "ContentType%22%3A%22image%2Fjpeg%22%2C%22Size%22%3A123%7D%5D"
)

MESSAGES = {
    "MMS, three pictures": MMS_THREE_PICTURES,
    "MMS, one picture": MMS_ONE_PICTURE,
    "SMS": SMS_WITHOUT_MEDIA,
    "WhatsApp picture": WHATSAPP_PICTURE,
    "WhatsApp text": WHATSAPP_TEXT,
    "WhatsApp button": WHATSAPP_BUTTON,
    "WhatsApp without a number": WHATSAPP_WITHOUT_NUMBER,
    "WhatsApp voice note": WHATSAPP_VOICE_NOTE,
    "WhatsApp document": WHATSAPP_DOCUMENT,
}

RECORDINGS = {
    "completed": RECORDING_COMPLETED,
    "completed, <Record>": RECORD_VERB_COMPLETED,
    "absent": RECORDING_ABSENT,
    "<Record> action": RECORD_VERB_ACTION,
    "transcription": TRANSCRIPTION,
    "conference": CONFERENCE_RECORDING,
}

CONVERSATIONS = {"text": CONVERSATION_TEXT, "picture": CONVERSATION_PICTURE}
