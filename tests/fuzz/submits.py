"""Strategies for bodies of submits: JSON, NDJSON and CSV with what they say, the same damaged, and gzip.

Texts are full of what has a meaning to one of the readers, or to COPY behind them.
"""

import csv
import gzip
import io
import itertools
import json
import random
from collections.abc import Callable, Sequence
from typing import Any

from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from tests.measure.damage import DAMAGES

VisitRow = tuple[str, str, tuple[str, ...]]
"""Store, time and URLs of one visit."""

_TEXTS = st.one_of(
    st.text("ab1 \t\n\r\\\"'{}[],:;é\x85\u2028\U0001f600", min_size=1, max_size=12),
    st.sampled_from(
        ("S1", "2026-11-20", "http://a.example/1.jpg", '"visits":[', "\\N", "\\.", "]}]}", "\\u0000")
    ),
)
_CSV_TEXTS = _TEXTS.map(str.strip).filter(bool)
_URLS = _TEXTS.map(lambda text: "".join(text.split())).filter(bool)
"""No blank or control character is accepted in a URL."""
_IMAGES = st.lists(_URLS, min_size=1, max_size=4).map(tuple)
VISITS = st.lists(
    st.tuples(_CSV_TEXTS, _TEXTS.filter(str.strip), _IMAGES),
    min_size=1,
    max_size=6,
)
CSV_VISITS = st.lists(
    st.tuples(
        _CSV_TEXTS.filter(lambda text: "'" not in text),
        _CSV_TEXTS.filter(lambda text: "'" not in text),
        _IMAGES.filter(lambda urls: "'" not in "".join(urls)),
    ),
    min_size=1,
    max_size=6,
).filter(lambda visits: all(one[:2] != other[:2] for one, other in itertools.pairwise(visits)))
"""Rows that follow one another with the same store and time are one visit, so no two here have both.

No text has an apostrophe: those of our own exports are taken away.
"""


def _as_objects(visits: Sequence[VisitRow]) -> list[dict[str, Any]]:
    return [
        {"store_id": store_id, "visit_time": time, "image_url": list(urls)} for store_id, time, urls in visits
    ]


def as_json(visits: Sequence[VisitRow], seed: int, *, with_unknown: bool) -> bytes:
    """A body that says these visits, with other things in between; some of them fields that nobody knows."""
    dice = random.Random(seed)
    objects = _as_objects(visits)
    for one in objects:
        if dice.random() < 0.3 and not with_unknown:
            one["extra"] = dice.choice(({"visits": [1]}, {"more": "]}"}, {}, None))
        elif dice.random() < 0.3 and with_unknown:
            one[dice.choice(("more", "visits", "x"))] = dice.choice(
                ([], {}, [[]], "]}", {"visits": [1]}, None)
            )
    body: dict[str, Any] = {"count": len(objects), "visits": objects}
    for name in ("extra", "meta", "é"):
        if dice.random() < 0.3 and with_unknown:
            body[name] = dice.choice(([{}], "visits", {"visits": []}, 1.5, [[["["]]]))
    names = list(body)
    dice.shuffle(names)
    body = {name: body[name] for name in names}
    text = json.dumps(body, ensure_ascii=dice.random() < 0.5, indent=dice.choice((None, None, 1)))
    return dice.choice((b"", b"", b"\xef\xbb\xbf")) + text.encode()


def as_ndjson(visits: Sequence[VisitRow], seed: int) -> bytes:
    """A visit a line."""
    dice = random.Random(seed)
    lines = (json.dumps(one, ensure_ascii=dice.random() < 0.5) for one in _as_objects(visits))
    return "".join(line + dice.choice(("\n", "\r\n", "\n\n")) for line in lines).encode()


def as_csv(visits: Sequence[VisitRow], seed: int) -> bytes:
    """A row an image, the columns in any order, with one that means nothing."""
    dice = random.Random(seed)
    columns = ["store_id", "image_url", "visit_time", "other"]
    dice.shuffle(columns)
    out = io.StringIO()
    # Not every version of the writer sees that a bare carriage return needs quotes.
    returns = any("\r" in text for one in visits for text in (one[0], one[1], *one[2]))
    quotes_all = returns or dice.random() < 0.5
    writer = csv.DictWriter(
        out,
        columns,
        quoting=csv.QUOTE_ALL if quotes_all else csv.QUOTE_MINIMAL,
        lineterminator=dice.choice(("\n", "\r\n")),
    )
    writer.writeheader()
    for store_id, time, urls in visits:
        for url in urls:
            writer.writerow({"store_id": store_id, "image_url": url, "visit_time": time, "other": 'a "b",\n'})
    return out.getvalue().encode()


def damaged(body: bytes, seeds: Sequence[int]) -> bytes:
    """A body damaged once for each seed, often by what its readers look for."""
    for seed in seeds:
        dice = random.Random(seed)
        if body:
            body = dice.choice((*DAMAGES, _planted, _planted))(body, dice)
    return body


_PLANTED = (
    *(b'"', b"\\", b"{", b"}", b"[", b"]", b",", b":", b"\0", b"\n", b"\r", b"\t", b"\xff", b"\xef\xbb\xbf"),
    *(b'"visits":[', b'"visits": [{}],', b"[[[[", b"]]", b"\\u0000", b"\\ud800", b'""', b"1e999", b"null"),
)


def _planted(body: bytes, dice: random.Random) -> bytes:
    at = dice.randrange(len(body))
    return body[:at] + dice.choice(_PLANTED) + body[at + dice.randrange(3) :]


SEEDS = st.integers(0, 2**32 - 1)
DAMAGE_SEEDS = st.lists(SEEDS, min_size=1, max_size=3)
Writer = Callable[[Sequence[VisitRow], int], bytes]

PLAIN: SearchStrategy[bytes] = st.one_of(
    st.binary(max_size=200),
    st.builds(lambda seed, size: random.Random(seed).randbytes(size), SEEDS, st.integers(0, 200_000)),
    st.builds(lambda byte, size: bytes([byte]) * size, st.integers(0, 255), st.integers(0, 3_000_000)),
)


def packed(plain: bytes, seed: int) -> bytes:
    """Gzip of some bytes, in one member or several."""
    dice = random.Random(seed)
    cuts = sorted(dice.randrange(len(plain) + 1) for _ in range(dice.choice((0, 0, 1, 3))))
    places = [0, *cuts, len(plain)]
    parts = (plain[start:end] for start, end in itertools.pairwise(places))
    return b"".join(gzip.compress(part, dice.choice((0, 1, 9)), mtime=0) for part in parts)
