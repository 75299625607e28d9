from __future__ import annotations

from collections.abc import Iterator

from mediapipe.fetching.http.download import clock_skew_s
from mediapipe.management.doctor.findings import Finding, Level, ok
from mediapipe.management.doctor.issues import Issue
from mediapipe.operations.routes.twilio_api import ApiResponse, TwilioApi, Unreachable
from mediapipe.providers.base import Credentials
from mediapipe.providers.twilio import resources
from mediapipe.providers.twilio.accounts import Account, accounts

# The Date header has whole seconds, and the response takes time to arrive.
MAX_SKEW_S = 5.0
# Twilio's error codes.
TEST_CREDENTIALS = 20008
NOT_ACTIVE = 20005


def check_credentials() -> Iterator[Finding]:
    """Yield whether Twilio accepts each token and API key, then once how far the clocks differ."""
    clock: Finding | None = None
    for account in accounts().values():
        url = resources.account_url(account.sid)
        try:
            responses = [
                TwilioApi(Credentials(account.sid, token)).get(url) for token in account.auth_tokens
            ]
            yield from _check_tokens(account, responses)
            if account.api_key:
                # Only a main key may read the account resource, so list phone numbers instead.
                key = Credentials(account.api_key, account.api_secret)
                responses.append(TwilioApi(key).get(resources.numbers_url(account.sid)))
                yield _check_api_key(account, responses[-1])
        except Unreachable as error:
            yield Issue.TWILIO_UNREACHABLE.found(str(error))
            return
        dates = [response.date for response in responses if response.date]
        clock = clock or (_check_clock(dates[0]) if dates else None)
    if clock:
        yield clock


def _check_tokens(account: Account, responses: list[ApiResponse]) -> Iterator[Finding]:
    """Yield one finding per token; a rejected one is only a warning if another one works."""
    count = len(responses)
    findings = [
        _check_token(
            response, account.sid if count == 1 else f"{account.sid}, token {number} of {count}"
        )
        for number, response in enumerate(responses, start=1)
    ]
    one_works = any(finding.level is Level.OK for finding in findings)
    for finding in findings:
        is_old = one_works and finding.name == Issue.TOKEN_REFUSED.name.lower()
        yield Issue.TOKEN_OLD.found(finding.where) if is_old else finding


def _check_token(response: ApiResponse, where: str) -> Finding:
    if response.code == TEST_CREDENTIALS:
        return Issue.TEST_CREDENTIALS.found(where)
    status = str(response.document.get("status", "active"))
    if status != "active":
        return Issue.ACCOUNT_NOT_ACTIVE.found(where, message=f"the account is {status}")
    if response.code == NOT_ACTIVE:
        return Issue.ACCOUNT_NOT_ACTIVE.found(where)
    if response.status in (401, 403, 404):
        return Issue.TOKEN_REFUSED.found(where, message=_status_line(response, "the auth token"))
    return _check_accepted(response, "the auth token", where)


def _check_api_key(account: Account, response: ApiResponse) -> Finding:
    where = f"{account.sid}, {account.api_key}"
    if response.status == 403:
        return Issue.API_KEY_RESTRICTED.found(where)
    if response.status in (401, 404):
        return Issue.API_KEY_REFUSED.found(where, message=_status_line(response, "the API key"))
    return _check_accepted(response, "the API key", where)


def _check_accepted(response: ApiResponse, credential: str, where: str) -> Finding:
    if response.document:
        return ok(f"Twilio accepts {credential}", where)
    return Issue.TWILIO_ODD.found(where, message=_status_line(response, credential))


def _status_line(response: ApiResponse, credential: str) -> str:
    code = f", Twilio error {response.code}" if response.code else ""
    return f"Twilio responds with {response.status} to {credential}{code}"


def _check_clock(date: str) -> Finding:
    skew_s = clock_skew_s(date)
    if skew_s is None:
        return Issue.TWILIO_ODD.found(message="the Date header of Twilio's response is invalid")
    if abs(skew_s) <= MAX_SKEW_S:
        return ok(f"the clock differs from Twilio's by less than {MAX_SKEW_S:.0f} s")
    direction = "behind" if skew_s > 0 else "ahead of"
    return Issue.CLOCK_WRONG.found(message=f"the clock is {abs(skew_s):.0f} s {direction} Twilio's")
