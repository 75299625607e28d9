"""The API behaves as its OpenAPI description says: schemathesis sends it requests."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from schemathesis import Case, GenerationMode
from schemathesis.specs.openapi.checks import negative_data_rejection, positive_data_acceptance

from mediapipe.api import access
from mediapipe.api.description import description
from mediapipe.lifecycle.export import KEYS
from mediapipe.models import ApiToken
from mediapipe.wsgi import application
from tests.support import make

# Each request closes its connection, as in the web process.
pytestmark = pytest.mark.django_db(transaction=True)

EXAMPLES = 50


@pytest.fixture
def api(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Return the schema as served, of an API that has media to list."""
    # schemathesis also checks how wrong tokens are refused, and would exceed the limit.
    monkeypatch.setattr(access, "MAX_WRONG_PER_MINUTE", 10_000)
    make.event(make.message(pictures=2))
    make.store(make.claimed(make.recording()))
    schema = schemathesis.openapi.from_wsgi("/api/v1/openapi.json", application)
    schema.auth()(WithToken)
    return schema


class WithToken:
    """Sends a valid token in place of a generated one; schemathesis's token check knows of it."""

    def get(self, case: Case[Any], context: Any) -> str:
        return ApiToken.make("schemathesis")

    def set(self, case: Case[Any], data: str, context: Any) -> None:
        case.headers["Authorization"] = f"Bearer {data}"


@pytest.mark.parametrize("mode", [*GenerationMode], ids=lambda mode: mode.value)
@pytest.mark.parametrize("path", description()["paths"])
def test_every_response_matches_the_api_description(
    api: Any, path: str, mode: GenerationMode
) -> None:
    answered: set[int] = set()

    @given(case=api[path]["GET"].as_strategy(generation_mode=mode))
    @settings(max_examples=EXAMPLES, suppress_health_check=[*HealthCheck])
    def ask(case: Case[Any]) -> None:
        answer = case.call()
        case.validate_response(answer, excluded_checks=inapplicable_checks(case, answer))
        answered.add(answer.status_code)

    ask()
    assert answered


def inapplicable_checks(case: Case[Any], answer: Any) -> list[Any]:
    """Return the checks that do not apply to the request that was actually sent."""
    sent = parse_qs(urlsplit(str(answer.request.url)).query, keep_blank_values=True)
    checks: list[Any] = []
    if set(case.query or ()) - set(sent):
        # The parameter to be refused had no value, and was not sent.
        checks.append(negative_data_rejection)
    if any(map(overflows_in_utc, [*sent.get("since", []), *sent.get("until", [])])):
        # RFC 3339 allows 0001-01-01T00:00:00+15:00, which is in no year in UTC.
        checks.append(positive_data_acceptance)
    return checks


def overflows_in_utc(text: str) -> bool:
    try:
        datetime.fromisoformat(text).astimezone(UTC)
    except OverflowError:
        return True
    except ValueError:
        return False
    return False


def test_the_description_lists_every_key_of_a_media_item() -> None:
    described = description()["components"]["schemas"]["Media"]
    assert described["required"] == ["id", *KEYS]


def test_the_description_is_served_without_a_token(client: Any) -> None:
    assert client.get("/api/v1/openapi.json").json() == description()
