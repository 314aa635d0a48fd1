"""Reads lists of the API page by page, as a client does: by following `next`."""

from collections.abc import Iterator
from typing import Any

from tests.api.jobs import RunningApi
from tests.running import RunningService


def pages_of(
    service: "RunningService | RunningApi", path: str, query: Any = None, **parameters: Any
) -> Iterator[dict[str, Any]]:
    """All pages of a list, from the first on; each link must be told in both places."""
    answer = service.http.get(path, params=query or parameters)
    while True:
        assert answer.status_code == 200, answer.text
        following = answer.json()["next"]
        assert answer.headers.get("link") == (f'<{following}>; rel="next"' if following else None)
        yield answer.json()
        if following is None:
            return
        assert following.startswith(f"{path}?"), following
        answer = service.http.get(following)


def items_of(
    service: "RunningService | RunningApi", path: str, query: Any = None, **parameters: Any
) -> list[dict[str, Any]]:
    """All items of a list, over all its pages."""
    return [item for page in pages_of(service, path, query, **parameters) for item in page["items"]]
