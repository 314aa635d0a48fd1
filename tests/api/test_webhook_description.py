"""The description's webhook says what a receiver really gets, and its document shows the same."""

import json
import re
from pathlib import Path
from typing import Any

import msgspec
import pytest
from openapi_schema_validator import OAS31Validator
from standardwebhooks import Webhook

from retailpulse.api.app import HANDLERS, PROVIDED
from retailpulse.api.openapi.document import describe
from retailpulse.client import JobEnded
from retailpulse.domain.callbacks import JOB_ENDED
from tests.api.jobs import body, post, visit
from tests.origin import Origin, Reply, Seen
from tests.running import RunningService, secret_of, wait_for

DESCRIPTION = describe(HANDLERS, PROVIDED)
WEBHOOK: dict[str, Any] = DESCRIPTION["webhooks"][JOB_ENDED]["post"]
CONTENT: dict[str, Any] = WEBHOOK["requestBody"]["content"]["application/json"]
DOCUMENT = (Path(__file__).parents[2] / "docs" / "callbacks.md").read_text()


def errors_of(schema: dict[str, Any], value: Any) -> list[Any]:
    whole = {**schema, "components": DESCRIPTION["components"]}
    return list(OAS31Validator(whole, format_checker=OAS31Validator.FORMAT_CHECKER).iter_errors(value))


@pytest.fixture
def seen(service: RunningService, origin: Origin) -> Seen:
    """A callback that a real receiver got."""
    url = origin.serve("/described", Reply(status=204))
    post(service, body(visit(), callback_url=url, name="week 47"), "/api/v1/jobs")
    return wait_for(lambda: next((one for one in list(origin.requests) if one.path == "/described"), None))


def test_what_is_sent_is_what_is_described(service: RunningService, seen: Seen) -> None:
    for header in WEBHOOK["parameters"]:
        assert errors_of(header["schema"], seen.headers[header["name"]]) == [], header["name"]
    assert {name for name in seen.headers if name.startswith("webhook-")} == {
        header["name"] for header in WEBHOOK["parameters"]
    }
    sent = Webhook(secret_of(service)).verify(seen.body, seen.headers)
    assert errors_of(CONTENT["schema"], sent) == []
    assert sent.keys() == CONTENT["example"].keys()
    assert sent["data"].keys() == CONTENT["example"]["data"].keys()


def test_the_body_is_read_by_the_type_of_the_client(seen: Seen) -> None:
    event = msgspec.json.decode(seen.body, type=JobEnded)
    assert (event.type, event.data.name, event.data.status) == (JOB_ENDED, "week 47", "failed")
    assert event.timestamp == event.data.finished_at


def test_its_examples_are_valid_and_are_those_of_the_document() -> None:
    assert errors_of(CONTENT["schema"], CONTENT["example"]) == []
    (shown,) = [text for text in re.findall(r"```json\n(.*?)```", DOCUMENT, re.DOTALL) if JOB_ENDED in text]
    assert json.loads(shown) == CONTENT["example"]
    for header in WEBHOOK["parameters"]:
        assert errors_of(header["schema"], header["example"]) == []
        assert f"{header['name']}: {header['example']}" in DOCUMENT
