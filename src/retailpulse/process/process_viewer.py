"""How the API has its siblings and itself looked into: it asks `serve`, which started all of them."""

import contextlib
from collections.abc import AsyncIterator, Iterator

from retailpulse.domain.errors import NotProfiled
from retailpulse.domain.profiles import ProfileKind
from retailpulse.process.links import Link, Look, Names

ALONE = (
    "this API was not started by `retailpulse serve`, which looks into the processes that it has started: "
    "run `retailpulse profile` on the machine of the process"
)


class ProcessViewer:
    """Asks over one end of a link; `descriptor` is None if there is none."""

    def __init__(self, descriptor: int | None) -> None:
        self._descriptor = descriptor
        self._link: Link | None = None

    @contextlib.asynccontextmanager
    async def opened(self) -> AsyncIterator[None]:
        """While the block runs it can ask."""
        if self._descriptor is None:
            yield
            return
        async with Link.over(self._descriptor) as self._link:
            yield

    async def names(self) -> tuple[str, ...]:
        """The processes that can be looked into; raises NotProfiled."""
        with _asked():
            return (await self._serve().ask(Names())).names

    async def look(self, process: str, kind: ProfileKind, seconds: int) -> bytes:
        """A picture of what a process does for some seconds; raises NotProfiled, NotFound or Conflict."""
        with _asked():
            return (await self._serve().ask(Look(process=process, kind=kind, seconds=seconds))).content

    def _serve(self) -> Link:
        if self._link is None:
            raise NotProfiled(ALONE)
        return self._link


@contextlib.contextmanager
def _asked() -> Iterator[None]:
    try:
        yield
    except ConnectionError as error:
        raise NotProfiled(f"`retailpulse serve` does not answer: {error}") from None
