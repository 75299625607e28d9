import http.client
from collections.abc import Iterator
from contextlib import closing
from urllib.parse import urlsplit

import pytest
import requests

from mediapipe.simulator import Simulator
from mediapipe.simulator.script import ACCOUNT_SID, AUTH_TOKEN, new_sid

OWN = (ACCOUNT_SID, AUTH_TOKEN)
OTHER_SID = new_sid("AC")
KEY = ("SK" + "1" * 32, "key-secret")


@pytest.fixture
def twilio() -> Iterator[Simulator]:
    accounts = {ACCOUNT_SID: AUTH_TOKEN, OTHER_SID: "other-token"}
    with Simulator(accounts=accounts, api_keys={KEY[0]: (KEY[1], ACCOUNT_SID)}) as simulator:
        yield simulator


def get(url: str, auth: tuple[str, str] | None = OWN, method: str = "GET") -> requests.Response:
    return requests.request(method, url, auth=auth, allow_redirects=False, timeout=60)


def test_a_request_for_media_is_redirected_to_the_cdn_which_serves_its_bytes(
    twilio: Simulator,
) -> None:
    photo = twilio.add_message_media(size=50_000)
    response = get(photo.url)
    assert response.status_code == 307
    assert response.headers["Content-Type"] == "application/xml"
    assert response.headers["Location"].startswith(f"{twilio.cdn_origin}/{ACCOUNT_SID}/")
    image = get(response.headers["Location"], auth=None)
    assert image.status_code == 200
    assert image.headers["Content-Type"] == "image/jpeg"
    assert image.content == photo.body
    assert twilio.log.statuses_of(photo.sid) == [307, 200]


@pytest.mark.parametrize("status", [301, 302, 303, 308])
def test_another_redirect_status_can_be_chosen(twilio: Simulator, status: int) -> None:
    photo = twilio.add_message_media(redirect_status=status)
    assert get(photo.url).status_code == status


def test_an_api_key_gives_access_to_the_media_of_its_account(twilio: Simulator) -> None:
    assert get(twilio.add_message_media().url, auth=KEY).status_code == 307


@pytest.mark.parametrize(
    ("auth", "message"),
    [
        (None, "Authenticate"),
        ((ACCOUNT_SID, "wrong"), "Authenticate"),
        ((ACCOUNT_SID, ""), "Authenticate"),
        (("AC" + "9" * 32, ""), "Authentication Error - invalid username"),
    ],
)
def test_wrong_credentials_are_rejected_with_20003(
    twilio: Simulator, auth: tuple[str, str] | None, message: str
) -> None:
    response = get(twilio.add_message_media().url, auth=auth)
    assert response.status_code == 401
    assert "<RestException><Code>20003</Code>" in response.text
    assert f"<Message>{message}</Message>" in response.text


def test_media_of_another_account_is_not_found(twilio: Simulator) -> None:
    photo = twilio.add_message_media()
    assert get(photo.url, auth=(OTHER_SID, "other-token")).status_code == 404


def test_unknown_media_is_answered_with_twilios_404_document(twilio: Simulator) -> None:
    path = f"/2010-04-01/Accounts/{ACCOUNT_SID}/Messages/{new_sid('MM')}/Media/{new_sid('ME')}"
    response = get(twilio.api_origin + path)
    assert response.status_code == 404
    assert response.headers["Content-Type"] == "application/xml"
    assert response.text == (
        "<?xml version='1.0' encoding='UTF-8'?><TwilioResponse><RestException><Code>20404</Code>"
        f"<Message>The requested resource {path} was not found</Message>"
        "<MoreInfo>https://www.twilio.com/docs/errors/20404</MoreInfo><Status>404</Status>"
        "</RestException></TwilioResponse>"
    )


def test_media_of_another_message_is_not_found(twilio: Simulator) -> None:
    photo = twilio.add_message_media()
    assert get(photo.url.replace(photo.parent_sid, new_sid("MM"))).status_code == 404


def test_every_response_has_twilios_headers_and_a_unique_request_id(twilio: Simulator) -> None:
    photo = twilio.add_message_media()
    answers = [get(photo.url), get(photo.url, auth=None), get(twilio.api_origin + "/nothing")]
    ids = {response.headers["Twilio-Request-Id"] for response in answers}
    assert len(ids) == 3
    assert all(each.startswith("RQ") and len(each) == 34 for each in ids)
    for response in answers:
        assert response.headers["X-Home-Region"] == "us1"
        assert float(response.headers["Twilio-Request-Duration"]) < 5
        assert response.headers["Date"].endswith("GMT")


def test_the_log_has_the_request_id_of_each_response(twilio: Simulator) -> None:
    photo = twilio.add_message_media()
    response = get(photo.url)
    (entry,) = twilio.log.of(photo.sid)
    assert entry.request_id == response.headers["Twilio-Request-Id"]


def test_a_recording_is_served_by_the_api_itself(twilio: Simulator) -> None:
    call = twilio.add_recording(size=30_000)
    response = get(call.url)
    assert (response.status_code, response.headers["Content-Type"]) == (200, "audio/x-wav")
    assert response.content == call.body
    assert get(f"{call.url}.wav").content == call.body


def test_a_recording_may_be_requested_as_mp3(twilio: Simulator) -> None:
    response = get(twilio.add_recording().url + ".mp3")
    assert response.headers["Content-Type"] == "audio/mpeg"
    assert response.content.startswith(b"ID3")


def test_a_recording_can_be_redirected(twilio: Simulator) -> None:
    assert get(twilio.add_recording(redirect_status=302).url).status_code == 302


def test_a_request_for_two_channels_of_a_mono_recording_is_answered_400(twilio: Simulator) -> None:
    mono, dual = twilio.add_recording(), twilio.add_recording(channels=2)
    assert get(f"{mono.url}?RequestedChannels=2").status_code == 400
    assert get(f"{mono.url}?RequestedChannels=1").status_code == 200
    assert get(f"{dual.url}?RequestedChannels=2").status_code == 200


def test_message_media_has_metadata(twilio: Simulator) -> None:
    photo = twilio.add_message_media()
    document = get(f"{photo.url}.json").json()
    assert document["sid"] == photo.sid
    assert document["parent_sid"] == photo.parent_sid
    assert document["content_type"] == "image/jpeg"
    assert document["uri"] == f"{photo.path}.json"


def test_metadata_can_be_available_before_the_bytes(twilio: Simulator) -> None:
    photo = twilio.add_message_media(delay_s=60, metadata_delay_s=0)
    late = twilio.add_message_media(delay_s=60)
    assert [get(f"{script.url}.json").status_code for script in (photo, late)] == [200, 404]
    assert get(photo.url).status_code == 404


def test_a_deleted_recording_has_metadata_if_deleted_ones_are_included(twilio: Simulator) -> None:
    call = twilio.add_recording()
    get(call.url, method="DELETE")
    assert get(f"{call.url}.json").status_code == 404
    response = get(f"{call.url}.json?IncludeSoftDeleted=true")
    assert response.json()["status"] == "deleted"


def test_a_recording_in_external_storage_has_metadata_and_no_bytes_at_twilio(
    twilio: Simulator,
) -> None:
    call = twilio.add_recording(external_url="https://bucket.s3.amazonaws.com/call.wav")
    document = get(f"{call.url}.json").json()
    assert (document["status"], document["media_url"]) == ("completed", call.external_url)
    assert get(call.url).status_code == 404


def test_missing_metadata_is_answered_with_a_json_404_document(twilio: Simulator) -> None:
    path = f"/2010-04-01/Accounts/{ACCOUNT_SID}/Recordings/{new_sid('RE')}.json"
    response = get(twilio.api_origin + path)
    assert response.status_code == 404
    assert response.json() == {
        "code": 20404,
        "message": f"The requested resource {path} was not found",
        "more_info": "https://www.twilio.com/docs/errors/20404",
        "status": 404,
    }


def test_a_recordings_metadata_distinguishes_processing_from_completed(twilio: Simulator) -> None:
    late, ready = twilio.add_recording(delay_s=60), twilio.add_recording()
    assert get(f"{late.url}.json").json()["status"] == "processing"
    assert get(f"{ready.url}.json").json()["status"] == "completed"


def test_an_absent_recording_has_the_status_absent_and_no_bytes(twilio: Simulator) -> None:
    call = twilio.add_recording(recording_status="absent")
    assert get(f"{call.url}.json").json()["status"] == "absent"
    assert get(call.url).status_code == 404


def test_deleted_media_is_not_found_at_any_of_its_urls(twilio: Simulator) -> None:
    photo = twilio.add_message_media()
    link = get(photo.url).headers["Location"]
    assert get(f"{photo.url}.json", method="DELETE").status_code == 204
    assert get(f"{photo.url}.json").status_code == 404
    assert get(photo.url).status_code == 404
    assert get(link, auth=None).status_code == 404
    assert get(f"{photo.url}.json", method="DELETE").status_code == 404


def test_deleting_needs_credentials(twilio: Simulator) -> None:
    photo = twilio.add_message_media()
    assert get(f"{photo.url}.json", auth=None, method="DELETE").status_code == 401
    assert get(photo.url).status_code == 307


def test_a_post_to_media_is_not_allowed(twilio: Simulator) -> None:
    assert get(twilio.add_message_media().url, method="POST").status_code == 405


def test_one_connection_serves_many_requests(twilio: Simulator) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", urlsplit(twilio.api_origin).port)
    with closing(connection):
        connection.connect()
        socket_of_the_first = connection.sock
        for _ in range(3):
            connection.request("GET", "/nothing")
            assert connection.getresponse().read().startswith(b"<?xml")
        assert connection.sock is socket_of_the_first


def test_the_media_service_serves_metadata_with_a_link_to_the_bytes(twilio: Simulator) -> None:
    photo = twilio.add_conversation_media(size=5000)
    document = get(photo.url).json()
    assert (document["sid"], document["size"]) == (photo.sid, 5000)
    image = get(document["links"]["content_direct_temporary"], auth=None)
    assert image.content == photo.body
    assert twilio.log.statuses_of(photo.sid) == [200, 200]


def test_a_link_of_the_media_service_can_be_available_before_the_bytes(twilio: Simulator) -> None:
    photo = twilio.add_conversation_media(metadata_delay_s=0.0, delay_s=9999.0)
    link = get(photo.url).json()["links"]["content_direct_temporary"]
    assert get(link, auth=None).status_code == 404


@pytest.mark.parametrize("auth", [None, (OTHER_SID, "other-token")])
def test_the_media_service_serves_media_only_to_its_account_and_under_its_service(
    twilio: Simulator, auth: tuple[str, str] | None
) -> None:
    photo = twilio.add_conversation_media()
    assert get(photo.url, auth).status_code == (404 if auth else 401)
    assert get(photo.url.replace(photo.service_sid, new_sid("IS"))).json()["code"] == 20404
