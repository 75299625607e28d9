"""Whether Twilio takes the credentials of every account, and what its clock says."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from mediapipe.fetching.http.download import clock_skew_s
from mediapipe.management.doctor.api_client import ApiResponse, Unreachable, told
from mediapipe.management.doctor.findings import Finding, State, fine
from mediapipe.management.doctor.issues import Trouble
from mediapipe.providers.base import Credentials
from mediapipe.providers.twilio import resources
from mediapipe.providers.twilio.accounts import Account, accounts

# A Date header has whole seconds, and takes some time to come.
MOST_SKEW_S = 5.0
# Twilio's error codes.
TEST_CREDENTIALS = 20008
NOT_ACTIVE = 20005


def examine() -> Iterator[Finding]:
    """Yield what Twilio says to each token and API key, and once how far apart the clocks are."""
    clock: Finding | None = None
    for account in accounts().values():
        try:
            tokens = [_ask_token(account, token) for token in account.auth_tokens]
            yield from _tokens(account, tokens)
            keys = [_ask_key(account)] if account.api_key else []
        except Unreachable as error:
            yield Trouble.TWILIO_UNREACHABLE.found(str(error))
            return
        yield from (_key(account, key) for key in keys)
        clock = clock or next((_clock(answer) for answer in [*tokens, *keys] if answer.date), None)
    if clock:
        yield clock


def _ask_token(account: Account, token: str) -> ApiResponse:
    return told(resources.account_url(account.sid), Credentials(account.sid, token))


def _ask_key(account: Account) -> ApiResponse:
    """Ask for phone numbers: only a main key may read the account itself."""
    key = Credentials(account.api_key, account.api_secret)
    return told(resources.numbers_url(account.sid), key)


def _tokens(account: Account, answers: list[ApiResponse]) -> Iterator[Finding]:
    """Yield a finding a token; a refused one is no harm while another one is taken."""
    findings = [
        _token(answer, _which(account, number, len(answers)))
        for number, answer in enumerate(answers, start=1)
    ]
    one_works = any(finding.state is State.OK for finding in findings)
    refused = Trouble.TOKEN_REFUSED.name.lower()
    for finding in findings:
        is_old = one_works and finding.name == refused
        yield Trouble.TOKEN_OLD.found(finding.where) if is_old else finding


def _which(account: Account, number: int, of: int) -> str:
    return account.sid if of == 1 else f"{account.sid}, token {number} of {of}"


def _token(answer: ApiResponse, where: str) -> Finding:
    if answer.code == TEST_CREDENTIALS:
        return Trouble.TEST_CREDENTIALS.found(where)
    status = answer.document.get("status", "active")
    if answer.code == NOT_ACTIVE or status != "active":
        return Trouble.ACCOUNT_NOT_ACTIVE.found(where, what=_inactive(str(status)))
    if answer.status in (401, 403, 404):
        return Trouble.TOKEN_REFUSED.found(where, what=_said(answer, "the auth token"))
    return _taken(answer, "the auth token", where)


def _inactive(status: str) -> str:
    return "" if status == "active" else f"the account is {status}"


def _key(account: Account, answer: ApiResponse) -> Finding:
    where = f"{account.sid}, {account.api_key}"
    if answer.status == 403:
        return Trouble.API_KEY_RESTRICTED.found(where)
    if answer.status in (401, 404):
        return Trouble.API_KEY_REFUSED.found(where, what=_said(answer, "the API key"))
    return _taken(answer, "the API key", where)


def _taken(answer: ApiResponse, what: str, where: str) -> Finding:
    if answer.document:
        return fine(f"Twilio takes {what}", where)
    return replace(Trouble.TWILIO_ODD.found(where), what=_said(answer, what))


def _said(answer: ApiResponse, what: str) -> str:
    code = f", Twilio error {answer.code}" if answer.code else ""
    return f"Twilio answers {answer.status} to {what}{code}"


def _clock(answer: ApiResponse) -> Finding:
    skew_s = clock_skew_s(answer.date)
    if skew_s is None:
        return Trouble.TWILIO_ODD.found(what="the Date of Twilio's answer cannot be read")
    if abs(skew_s) <= MOST_SKEW_S:
        return fine(f"this clock agrees with Twilio's within {MOST_SKEW_S:.0f} s")
    direction = "behind" if skew_s > 0 else "ahead of"
    return Trouble.CLOCK_WRONG.found(what=f"this clock is {abs(skew_s):.0f} s {direction} Twilio's")
