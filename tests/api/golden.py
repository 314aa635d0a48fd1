"""Golden files: a request and its exact answer, as text that people can read.

```
POST /api/submit
Content-Type: application/json

{"count": 1, ...}
-----
201
Content-Type: application/json

{"job_id":"{any_job_id}"}
```

Words in braces are names that a test gives; `{any_job_id}` stands for whatever id is new.
"""

import re
from dataclasses import dataclass
from pathlib import Path

import httpx

FOLDER = Path(__file__).parent / "golden"
RULE = "\n-----\n"
ANY_JOB_ID = "{any_job_id}"
UUID_7 = "[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}"


@dataclass(frozen=True, kw_only=True)
class Golden:
    """One request, and what answers it."""

    method: str
    target: str
    headers: dict[str, str]
    body: bytes
    status: int
    answer_headers: dict[str, str]
    answer_body: str

    def ask(self, client: httpx.Client, *, slash: bool) -> httpx.Response:
        """Sends the request, with a slash at the end of its path or without."""
        path, question, query = self.target.partition("?")
        target = f"{path}{'/' if slash else ''}{question}{query}"
        return client.request(self.method, target, headers=self.headers, content=self.body)

    def check(self, answer: httpx.Response) -> None:
        """Fails where an answer is another one."""
        told = {name: answer.headers.get(name) for name in self.answer_headers}
        assert (answer.status_code, told) == (self.status, self.answer_headers), answer.text
        if ANY_JOB_ID in self.answer_body:
            pattern = re.escape(self.answer_body).replace(re.escape(ANY_JOB_ID), UUID_7)
            assert re.fullmatch(pattern, answer.text), answer.text
        else:
            assert answer.text == self.answer_body, answer.text


def read_golden(name: str, names: dict[str, str]) -> Golden:
    """The golden file of a name, with its words in braces put in."""
    text = (FOLDER / f"{name}.http").read_text()
    for word, value in names.items():
        text = text.replace("{" + word + "}", value)
    asked, answered = (part.partition("\n\n") for part in text.removesuffix("\n").split(RULE))
    (method, target), headers = asked[0].splitlines()[0].split(" ", 1), asked[0].splitlines()[1:]
    status, *answer_headers = answered[0].splitlines()
    return Golden(
        method=method,
        target=target,
        headers=dict(line.split(": ", 1) for line in headers),
        body=asked[2].encode(),
        status=int(status),
        answer_headers=dict(line.split(": ", 1) for line in answer_headers),
        answer_body=answered[2],
    )


def names_of(prefix: str) -> list[str]:
    """The names of all golden files that begin so."""
    return sorted(path.stem for path in FOLDER.glob(f"{prefix}-*.http"))
