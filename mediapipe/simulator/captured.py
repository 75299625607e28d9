"""Webhooks as people who integrated Twilio received them.

Field sets, order and encoding are kept; names, numbers and SIDs are replaced, and `$AC`,
`$MM` ... stand for fresh SIDs. A comment marks those that are known from documentation.
"""

_ACCOUNT_URL = "https%3A%2F%2Fapi.twilio.com%2F2010-04-01%2FAccounts%2F$AC"
_MEDIA_URL = f"{_ACCOUNT_URL}%2FMessages%2F$MM%2FMedia%2F$ME"
_RECORDING_URL = f"{_ACCOUNT_URL}%2FRecordings%2F$RE"

MMS_PICTURES = (
    "ToCountry=US&ToState=FL&SmsMessageSid=$MM&ToCity=ORANGE+CITY&FromZip=05701&SmsSid=$MM"
    "&FromState=VT&SmsStatus=received&FromCity=RUTLAND&Body=&FromCountry=US&To=%2B15550000001"
    "&ToZip=32763&NumSegments=3&MessageSid=$MM&AccountSid=$AC&From=%2B15550000002&NumMedia=3"
    "&MediaContentType0=image%2Fjpeg&MediaContentType1=image%2Fjpeg&MediaContentType2=image%2Fjpeg"
    f"&MediaUrl0={_MEDIA_URL}&MediaUrl1={_MEDIA_URL}&MediaUrl2={_MEDIA_URL}&ApiVersion=2010-04-01"
)

MMS_PICTURE = (
    "ToCountry=US&MediaContentType0=image%2Fjpeg&ToState=TX&SmsMessageSid=$MM&NumMedia=1&ToCity="
    "&FromZip=06607&SmsSid=$MM&FromState=CT&SmsStatus=received&FromCity=BRIDGEPORT&Body=Test+mms"
    "&FromCountry=US&To=%2B15550000001&ToZip=&NumSegments=1&MessageSid=$MM&AccountSid=$AC"
    f"&From=%2B15550000002&MediaUrl0={_MEDIA_URL}&ApiVersion=2010-04-01"
)

SMS = (
    "ToCountry=US&ToState=CA&SmsMessageSid=$SM&NumMedia=0&ToCity=SAN+BRUNO&FromZip=94030&SmsSid=$SM"
    "&FromState=CA&SmsStatus=received&FromCity=SAN+BRUNO&Body=hi+there%2C+2%2B3%3D4&FromCountry=US"
    "&To=%2B15550000001&ToZip=94030&NumSegments=1&ReferralNumMedia=0&MessageSid=$SM&AccountSid=$AC"
    "&From=%2B15550000002&ApiVersion=2010-04-01"
)

WHATSAPP_PICTURE = (
    "MediaContentType0=image%2Fjpeg&SmsMessageSid=$MM&NumMedia=1&ProfileName=Some+Name&SmsSid=$MM"
    "&WaId=15550000002&SmsStatus=received&Body=&To=whatsapp%3A%2B15550000001&NumSegments=1"
    "&ReferralNumMedia=0&MessageSid=$MM&AccountSid=$AC&From=whatsapp%3A%2B15550000002"
    f"&MediaUrl0={_MEDIA_URL}&ApiVersion=2010-04-01"
)

WHATSAPP_TEXT = (
    "SmsMessageSid=$SM&NumMedia=0&ProfileName=Some+Name&MessageType=text&SmsSid=$SM&WaId=15550000002"
    "&SmsStatus=received&Body=Hi&To=whatsapp%3A%2B14155238886&NumSegments=1&ReferralNumMedia=0"
    "&MessageSid=$SM&AccountSid=$AC&ChannelMetadata=%7B%22type%22%3A%22whatsapp%22%2C%22data%22%3A"
    "%7B%22context%22%3A%7B%22ProfileName%22%3A%22Some+Name%22%2C%22WaId%22%3A%2215550000002%22%7D"
    "%7D%7D&From=whatsapp%3A%2B15550000002&ApiVersion=2010-04-01"
)

# From a user who hides their number, based on reports by people who received these.
WHATSAPP_WITHOUT_NUMBER = (
    "MediaContentType0=image%2Fjpeg&SmsMessageSid=$MM&NumMedia=1&ProfileName=Some+Name"
    "&MessageType=image&SmsSid=$MM&SmsStatus=received&Body=&To=whatsapp%3A%2B15550000001"
    "&NumSegments=1&ReferralNumMedia=0&MessageSid=$MM&AccountSid=$AC"
    "&From=whatsapp%3AUS.13491208655302741918&ExternalUserId=whatsapp%3AUS.13491208655302741918"
    "&ParentExternalUserId=whatsapp%3AUS.ENT.11815799212886844830"
    f"&MediaUrl0={_MEDIA_URL}&ApiVersion=2010-04-01"
)

CALL_RECORDING = (
    "RecordingSource=StartCallRecordingAPI&RecordingTrack=both&RecordingSid=$RE"
    f"&RecordingUrl={_RECORDING_URL}&RecordingStatus=completed&RecordingChannels=2&ErrorCode=0"
    "&CallSid=$CA&RecordingStartTime=Wed%2C%2020%20Apr%202022%2023%3A45%3A25%20%2B0000"
    "&AccountSid=$AC&RecordingDuration=11"
)

# From the documentation: examples show only CallSid, RecordingSid and RecordingStatus.
ABSENT_RECORDING = (
    "AccountSid=$AC&CallSid=$CA&RecordingSid=$RE&RecordingStatus=absent&ErrorCode=16101"
    "&RecordingSource=RecordVerb"
)

RECORD_ACTION = (
    "AccountSid=$AC&ApiVersion=2010-04-01&ApplicationSid=$AP&CallSid=$CA&CallStatus=completed"
    "&Called=%2B15550000001&CalledCity=&CalledCountry=US&CalledState=TX&CalledZip="
    "&Caller=%2B15550000002&CallerCity=CHICAGO&CallerCountry=US&CallerState=IL&CallerZip=60601"
    "&Digits=hangup&Direction=inbound&From=%2B15550000002&FromCity=CHICAGO&FromCountry=US"
    "&FromState=IL&FromZip=60601&RecordingDuration=12&RecordingSid=$RE"
    f"&RecordingUrl={_RECORDING_URL}&To=%2B15550000001&ToCity=&ToCountry=US&ToState=TX&ToZip="
)

TRANSCRIPTION = (
    "ApiVersion=2010-04-01&TranscriptionType=fast"
    f"&TranscriptionUrl={_RECORDING_URL}%2FTranscriptions%2F$TR&TranscriptionSid=$TR"
    "&Called=%2B15550000001&RecordingSid=$RE&CallStatus=completed"
    f"&RecordingUrl={_RECORDING_URL}&From=%2B15550000002&Direction=inbound"
    "&url=https%3A%2F%2Fexample.com%2Fwebhooks%2Ftwilio%2Frecording%2F&AccountSid=$AC"
    "&TranscriptionText=Please%20call%20me%20back.&Caller=%2B15550000002"
    "&TranscriptionStatus=completed&CallSid=$CA&To=%2B15550000001&ForwardedFrom=%2B15550000003"
)

# From the documentation and tests of other projects: a conference has no CallSid.
CONFERENCE_RECORDING = (
    "RecordingSid=$RE&ConferenceSid=$CF&AccountSid=$AC"
    f"&RecordingUrl={_RECORDING_URL}&RecordingStatus=completed&RecordingDuration=11"
    "&RecordingChannels=1&RecordingStartTime=Wed%2C%2020%20Apr%202022%2023%3A45%3A25%20%2B0000"
    "&RecordingSource=Conference"
)

CONVERSATION_TEXT = (
    "EventType=onMessageAdded&Attributes=%7B%7D&DateCreated=2021-08-10T18%3A00%3A58.111Z&Index=35"
    "&MessageSid=$IM&AccountSid=$AC&Source=SDK&ClientIdentity=dave&RetryCount=0&Author=dave"
    "&ParticipantSid=$MB&Body=two&ConversationSid=$CH"
)

# From the documentation and working code; the code omits AccountSid, which is documented.
CONVERSATION_MEDIA = (
    "EventType=onMessageAdded&AccountSid=$AC&MessageSid=$IM&ConversationSid=$CH&ChatServiceSid=$IS"
    "&Author=%2B15550000002&Body=look&Media=%5B%7B%22Sid%22%3A%22$ME%22%2C%22Filename%22%3A"
    "%22photo.jpg%22%2C%22ContentType%22%3A%22image%2Fjpeg%22%2C%22Size%22%3A123%7D%5D"
)
