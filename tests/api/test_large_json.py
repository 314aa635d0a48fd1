"""A large body of JSON is cut into pieces: wherever the cuts fall, it says the same as in one."""

import io
import json
import re
from collections.abc import Callable
from typing import Any

import pytest

from retailpulse.api.submit import parse_large_json
from retailpulse.api.submit.parse_json import Form, LegacyForm, NewForm, read_submission
from retailpulse.api.submit.parse_large_json import read_large
from retailpulse.domain.errors import InvalidRequest
from retailpulse.domain.images import Depth
from retailpulse.domain.jobs import JobOptions
from retailpulse.fetch import origin_key
from retailpulse.storage.jobs.spool import Spool
from retailpulse.web.errors import TooLarge
from tests.api.jobs import body, visit
from tests.api.test_submit import SAMPLE

MAX_IMAGES = 20
MakeForm = Callable[[], Form]


def old_form() -> Form:
    return LegacyForm(Depth.HEADER)


def new_form() -> Form:
    return NewForm(JobOptions(depth=Depth.DECODE, name="asked"))


TRICKY = 'a "quoted" \\ text with {[]} and \\" in it, "visits": ['
URL = "".join(TRICKY.split())
GOOD = [
    SAMPLE,
    "\ufeff" + SAMPLE,
    json.dumps(json.loads(SAMPLE), indent=7),
    json.dumps(body(*(visit(f"RP{number:05}") for number in range(MAX_IMAGES)))),
    json.dumps(body(visit(TRICKY, URL, URL, at=TRICKY), visit("ü \U0001f600 \x85 x"))),
    json.dumps({"labels": {"visits": "[", "x": TRICKY[:20]}, **body(visit()), "callback_url": None}),
    json.dumps(body(visit() | {"extra": {"more": [{"image_url": [[]]}, TRICKY]}}, visit())),
    json.dumps(body(visit(), depth="download", priority=7)),
]
ONLY_OLD = [
    json.dumps({"extra": {"visits": [TRICKY, {"visits": []}]}, **body(visit()), "more": [[], {}, TRICKY]}),
    json.dumps(body(visit() | {"more": [{"image_url": [[]]}, TRICKY]}, visit())),
]
"""Bodies with fields that are not known: read by the old endpoint alone."""
BAD = [
    "", " ", "[]", "null", "{", "}", "]", '{"count": 1,}', SAMPLE + "x", SAMPLE + "]", SAMPLE[:-1],
    SAMPLE[:-2],
    '{"count": 0, "visits": []}', '{"count": 0, "visits": [ ]}', '{"count": 1, "visits": {}}',
    '{"count": 1, "visits": [null]}', '{"count": 1, "visits": [[]]}', '{"count": 1, "visits": [1, {}]}',
    json.dumps(body(visit(), visit()) | {"count": 3}),
    json.dumps(body(visit(), visit() | {"store_id": 5}, visit())),
    json.dumps(body(visit(), visit(), visit() | {"image_url": ["a", ""]})),
    json.dumps(body(visit(), visit() | {"visit_time": "a\0"})),
    json.dumps(body(visit(), visit(), depth="deepest")),
    json.dumps(body(visit(), priority=101)),
    json.dumps(body(visit(), visit())).replace("}, {", "} {"),
    json.dumps(body(visit(), visit())).replace("}, {", "},, {"),
    json.dumps(body(visit(), visit())).replace("}]", "},]"),
    json.dumps(body(visit(), visit())).replace("}]", "}, 1]"),
    json.dumps(body(visit(), visit())).replace("[{", "[,{"),
    json.dumps(body(visit(), visit())).replace('"2026', '"\\x2026'),
    json.dumps(body(visit(), visit(at="@@"))).replace("@@", "\\ud800"),
]  # fmt: skip


@pytest.fixture(params=[1, 2, 7, 64, 300, parse_large_json.BLOCK_BYTES])
def step_bytes(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> int:
    monkeypatch.setattr(parse_large_json, "BLOCK_BYTES", request.param)
    return int(request.param)


def in_one(text: bytes, form: Form) -> Any:
    submission = read_submission(text, form, max_images=MAX_IMAGES)
    images = [url for one in submission.visits for url in one.image_urls]
    return submission.options, [(one.store_id, one.visit_time) for one in submission.visits], images


def in_pieces(text: bytes, form: Form) -> Any:
    with Spool(None, origin_key) as spool:
        options = read_large(io.BytesIO(text), spool, form, MAX_IMAGES)
        rows = [row for block in spool.visit_blocks() for row in json.loads(block)]
        lines = b"".join(iter(spool.read_images, b"")).decode().splitlines()
    urls = [re.sub(r"\\\\", lambda _: "\\", line.split("\t")[3]) for line in lines]
    return options, [(row["store_id"], row["visit_time"]) for row in rows], urls


def refusal(read: Any, text: bytes, form: Form) -> str:
    """Why a body is refused; where JSON ends to be JSON is told by different places of the same body."""
    with pytest.raises(InvalidRequest) as caught:
        read(text, form)
    return re.sub(r"(the body is not JSON in UTF-8): .*", r"\1", str(caught.value))


@pytest.mark.usefixtures("step_bytes")
@pytest.mark.parametrize("text", GOOD, ids=range(len(GOOD)))
@pytest.mark.parametrize("form", [old_form, new_form])
def test_the_job_is_the_same(text: str, form: MakeForm) -> None:
    assert in_pieces(text.encode(), form()) == in_one(text.encode(), form())


@pytest.mark.usefixtures("step_bytes")
@pytest.mark.parametrize("text", ONLY_OLD, ids=range(len(ONLY_OLD)))
def test_unknown_fields_are_ignored_by_the_old_endpoint_alone(text: str) -> None:
    assert in_pieces(text.encode(), old_form()) == in_one(text.encode(), old_form())
    for read in (in_pieces, in_one):
        assert "unknown" in refusal(read, text.encode(), new_form())


@pytest.mark.usefixtures("step_bytes")
@pytest.mark.parametrize("text", BAD, ids=range(len(BAD)))
@pytest.mark.parametrize("form", [old_form, new_form])
def test_what_is_wrong_is_told_in_the_same_words(text: str, form: MakeForm) -> None:
    assert refusal(in_pieces, text.encode(), form()) == refusal(in_one, text.encode(), form())


def test_a_long_text_is_looked_through_once(monkeypatch: pytest.MonkeyPatch) -> None:
    looked, end = [], parse_large_json._end

    def measured(pattern: re.Pattern[bytes], text: bytes, start: int) -> int:
        found = end(pattern, text, start)
        looked.append(found - start)
        return found

    monkeypatch.setattr(parse_large_json, "BLOCK_BYTES", 1_000)
    monkeypatch.setattr(parse_large_json, "_end", measured)
    text = json.dumps(body(visit("RP00001", "x" * 300_000 + '\\"' * 1_000))).encode()
    assert in_pieces(text, old_form()) == in_one(text, old_form())
    assert len(text) <= sum(looked) + text.count(b"{") + 1_000 <= 2 * len(text)


H = b'{"count":1,"visits":[{"store_id":"S1","visit_time":"x","image_url":['
SMALL = H[21:] + b'"a"]}]}'
BOMBS = {
    "urls": (H + b'"a",' * 1_000_000 + b'"a"]}]}', "more than 20 images"),
    "urls of many visits": (
        b'{"count":1,"visits":[' + b'{"store_id":"S1","visit_time":"x","image_url":["a","b"]},' * 30 + SMALL,
        "more than 20 images",
    ),
    "a text without end": (H + b'"' + b"a" * 5_000_000, "a text in the body has more than"),
    "lists": (H[:-13] + b'"x":[' + b"[]," * 500_000, "lists and objects"),
    "what is no visit": (b'{"a":"' + b'","a":"'.join([b"x" * 1_000_000] * 5), "bytes beside its visits"),
    "labels": (
        b'{"labels":{' + b",".join(b'"%x":""' % n for n in range(60_000)) + b"}," + H[1:] + b'"a"]}]}',
        "texts beside its visits",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", BOMBS)
def test_what_would_weigh_too_much_is_refused_before_it_is_made(name: str) -> None:
    text, reason = BOMBS[name]
    with pytest.raises(TooLarge, match=reason):
        in_pieces(text, new_form())


def test_what_is_nested_too_deep_is_refused() -> None:
    with pytest.raises(InvalidRequest, match="nested too deep"):
        in_pieces(H + b"[" * 2_000_000, old_form())


def test_no_piece_is_larger_than_a_block_and_a_text(step_bytes: int) -> None:
    text = json.dumps(body(*(visit(at="x" * 100) for _ in range(MAX_IMAGES)))).encode()
    pieces = list(parse_large_json._pieces(io.BytesIO(text), 10_000))
    assert b"".join(before + bracket for before, bracket in pieces) == text
    assert max(len(before) for before, _ in pieces) <= step_bytes + 102
