"""The errors of the client: each problem has one, and the tree that the documents draw is the one that is."""

import re
from pathlib import Path
from typing import Any

import pytest

from retailpulse import client
from retailpulse.client import ClientError, Refused, errors
from retailpulse.web.problem_kinds import KINDS
from tests.canned import JOB_ID, Answer, CannedService, as_json
from tests.client.conftest import Connect

JOB = f"GET /api/v1/jobs/{JOB_ID}"
BY_NAME = {kind.name: kind.name.title().replace("-", "") for kind in KINDS}


def refused(canned: CannedService, connect: Connect, answer: Answer) -> Refused:
    """The error that an answer becomes."""
    canned.on(JOB, answer)
    with pytest.raises(Refused) as caught:
        connect(canned.url, patience_seconds=0).job(JOB_ID)
    return caught.value


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
def test_each_problem_of_the_service_is_an_error_of_its_own(
    canned: CannedService, connect: Connect, kind: Any
) -> None:
    problem = {"type": f"/problems/{kind.name}", "title": kind.title, "detail": "why", "status": kind.status}
    error = refused(canned, connect, as_json(problem | {"limit": 7}, kind.status))
    assert type(error).__name__ == BY_NAME[kind.name]
    assert (str(error), error.status, error.type) == ("why", kind.status, f"/problems/{kind.name}")
    assert error.members["limit"] == 7


def test_a_problem_is_told_by_its_type_and_not_by_its_status(canned: CannedService, connect: Connect) -> None:
    problem = {"type": "/problems/conflict", "title": "Conflict", "detail": "it goes on"}
    assert isinstance(refused(canned, connect, as_json(problem, 400)), client.Conflict)


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (401, client.Unauthenticated),
        (413, client.TooLarge),
        (422, client.Unprocessable),
        (502, client.Unavailable),
        (504, client.Unavailable),
        (599, client.InternalError),
        (418, Refused),
    ],
)
def test_an_answer_of_a_proxy_is_told_by_its_status(
    canned: CannedService, connect: Connect, status: int, kind: type[Refused]
) -> None:
    error = refused(canned, connect, Answer(status=status, body=b"<html>no</html>"))
    assert type(error) is kind
    assert f"{canned.url} answered {status}" in str(error)


@pytest.mark.parametrize(
    ("text", "seconds"), [("7", 7.0), ("Fri, 27 Nov 2026 10:00:00 GMT", None), ("-1", None), ("", None)]
)
def test_a_refusal_for_now_says_when_to_come_back(
    canned: CannedService, connect: Connect, text: str, seconds: float | None
) -> None:
    error = refused(canned, connect, as_json({}, 429, Retry_After=text))
    assert isinstance(error, client.TooManyRequests)
    assert error.retry_after_seconds == seconds


@pytest.mark.parametrize("body", [b"<html>It works!</html>", b'{"job_id": 5}', b"\xff"])
def test_an_answer_of_another_program_is_told_as_such(
    canned: CannedService, connect: Connect, body: bytes
) -> None:
    canned.on(JOB, Answer(body=body))
    with pytest.raises(client.NotRetailPulse, match="does not answer like Retail Pulse"):
        connect(canned.url).job(JOB_ID)


def test_a_redirect_is_not_followed_with_the_key(canned: CannedService, connect: Connect) -> None:
    canned.on(JOB, Answer(status=302, headers={"Location": "http://127.0.0.1:9/"}))
    with pytest.raises(Refused, match="302"):
        connect(canned.url, api_key="rp_1_secret").job(JOB_ID)


def test_a_next_page_of_another_host_is_not_asked_for(canned: CannedService, connect: Connect) -> None:
    for link in ("http://127.0.0.1:9/api/v1/jobs", "//127.0.0.1:9/api/v1/jobs"):
        canned.on("GET /api/v1/jobs", as_json({"items": [], "next": link}))
        with pytest.raises(client.NotRetailPulse, match="not its own"):
            list(connect(canned.url).jobs())


def test_the_key_is_sent_and_is_in_no_text(canned: CannedService, connect: Connect) -> None:
    error = refused(canned, connect, as_json({}, 401))
    assert "Authorization" not in canned.asked[-1].headers
    canned.on(JOB, as_json({}, 401))
    speaking = client.Client(canned.url, api_key="rp_1_secret")
    with pytest.raises(client.Unauthenticated) as caught:
        speaking.job(JOB_ID)
    assert canned.asked[-1].headers["Authorization"] == "Bearer rp_1_secret"
    assert "secret" not in f"{caught.value!r} {speaking!r} {error!r}"
    speaking.close()


@pytest.mark.parametrize("url", ["127.0.0.1:9090", "ftp://a", "http://", "nonsense", "http://a:port"])
def test_an_address_that_is_none_is_bad_input(url: str) -> None:
    with pytest.raises(client.BadInput):
        client.Client(url)


def test_the_tree_that_is_drawn_is_the_one_that_is() -> None:
    text = errors.__doc__ or ""
    lines = [line[4:] for line in text.splitlines() if re.match(r"^ {4}.*(- |Client)", line)]
    stack: list[tuple[int, str]] = []
    told = {}
    for line in lines:
        found = re.match(r"([|' -]*)(\w+)", line)
        assert found
        depth = len(found[1])
        while stack and stack[-1][0] >= depth:
            stack.pop()
        told[found[2]] = stack[-1][1] if stack else ""
        stack.append((depth, found[2]))
    public = {
        name: kind
        for name, kind in vars(client).items()
        if isinstance(kind, type) and issubclass(kind, ClientError)
    }
    assert set(told) == set(public)
    for name, above in told.items():
        bases = [base.__name__ for base in public[name].__mro__[1:] if base.__name__ in told]
        assert (bases[0] if bases else "") == above, name
    document = (Path(__file__).parents[2] / "docs" / "client.md").read_text()
    assert all(f"`{name}`" in document for name in public)
