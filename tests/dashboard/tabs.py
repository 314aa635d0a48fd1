"""Open tabs as tests have them: streams of a page's news, read by an HTTP client."""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import httpx

from tests.api.jobs import RunningApi
from tests.running import RunningService

EVENTS = {"Accept": "text/event-stream"}
_CLIENT = httpx.Client(
    timeout=30, trust_env=False, limits=httpx.Limits(max_connections=None, max_keepalive_connections=0)
)


class Tab:
    """The news of one page."""

    def __init__(self, answer: httpx.Response) -> None:
        self.answer = answer
        self._lines = answer.iter_lines()

    def __iter__(self) -> Iterator[dict[str, Any]]:
        """All further news until the stream ends."""
        for line in self._lines:
            if line.startswith("data: "):
                yield json.loads(line.removeprefix("data: "))

    def event(self) -> dict[str, Any]:
        """The next news."""
        return next(iter(self))

    def event_of(self, part: str) -> str:
        """What the next news of a part of the page says; news of others are passed over."""
        return next(str(news["parts"][part]) for news in self if part in news["parts"])

    def wait_for_end(self) -> None:
        """Reads until the service ends the stream, and fails if it breaks off in the middle."""
        for _ in self:
            pass


@contextmanager
def tab(
    service: RunningService | RunningApi, path: str, headers: Mapping[str, str] = EVENTS
) -> Iterator[Tab]:
    """A tab that is open while the block runs."""
    with _CLIENT.stream("GET", service.url + path, headers={**EVENTS, **headers}) as answer:
        yield Tab(answer)


def asked(
    service: RunningService | RunningApi, path: str, headers: Mapping[str, str] = EVENTS
) -> httpx.Response:
    """The answer to a tab that gets no stream."""
    with tab(service, path, headers) as refused:
        refused.answer.read()
        return refused.answer
