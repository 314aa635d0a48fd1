"""One implementation for both clients: operations are coroutines, which the sync client runs on the spot.

An operation is an async function whose first parameter is the Exchange that it speaks through. The exchange
of AsyncClient suspends while it waits. That of Client never does, it blocks, so that each coroutine runs
from its start to its end in one step. `Call` and `Stream` make such a function a method of both clients,
typed exactly for each.
"""

import functools
import inspect
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Coroutine, Iterator
from typing import Any, Concatenate, Generic, ParamSpec, TypeVar, overload

from retailpulse.client.exchange import Exchange

P = ParamSpec("P")
T = TypeVar("T")


class Session:
    """The common base of both clients: an object with an exchange."""

    exchange: Exchange


class SyncSession(Session):
    """A session whose exchange blocks and never suspends."""


class AsyncSession(Session):
    """A session whose exchange suspends while it waits."""


def run_now(coroutine: Coroutine[Any, Any, T]) -> T:
    """The result of a coroutine that never suspends."""
    try:
        coroutine.send(None)
    except StopIteration as done:
        result: T = done.value
        return result
    coroutine.close()
    raise AssertionError("an operation of the sync client was suspended")


def iterate_now(items: AsyncGenerator[T, None]) -> Iterator[T]:
    """The items of an asynchronous generator that never suspends."""
    try:
        while True:
            try:
                item = run_now(items.__anext__())
            except StopAsyncIteration:
                return
            yield item
    finally:
        run_now(items.aclose())


class Call(Generic[P, T]):
    """A method that gives one result: at once in Client, to be awaited in AsyncClient."""

    def __init__(self, work: Callable[Concatenate[Exchange, P], Coroutine[Any, Any, T]]) -> None:
        self._work = work

    @overload
    def __get__(self, session: SyncSession, owner: type) -> Callable[P, T]: ...
    @overload
    def __get__(self, session: AsyncSession, owner: type) -> Callable[P, Coroutine[Any, Any, T]]: ...
    @overload
    def __get__(
        self, session: None, owner: type
    ) -> Callable[Concatenate[Exchange, P], Coroutine[Any, Any, T]]: ...
    def __get__(self, session: Session | None, owner: type) -> Any:
        """The method of a client; of the class itself, the function behind it."""
        return _method(session, self._work, run_now)


class Stream(Generic[P, T]):
    """A method that gives many results: an iterator in Client, an asynchronous one in AsyncClient."""

    def __init__(self, work: Callable[Concatenate[Exchange, P], AsyncGenerator[T, None]]) -> None:
        self._work = work

    @overload
    def __get__(self, session: SyncSession, owner: type) -> Callable[P, Iterator[T]]: ...
    @overload
    def __get__(self, session: AsyncSession, owner: type) -> Callable[P, AsyncIterator[T]]: ...
    @overload
    def __get__(
        self, session: None, owner: type
    ) -> Callable[Concatenate[Exchange, P], AsyncGenerator[T, None]]: ...
    def __get__(self, session: Session | None, owner: type) -> Any:
        """The method of a client; of the class itself, the function behind it."""
        return _method(session, self._work, iterate_now)


def _method(session: Session | None, work: Callable[..., Any], at_once: Callable[[Any], Any]) -> Any:
    """The function as a method of a session, with its name, its text and its other parameters."""
    if session is None:
        return work
    bound = functools.partial(work, session.exchange)
    method: Any = (
        bound
        if isinstance(session, AsyncSession)
        else lambda *args, **kwargs: at_once(bound(*args, **kwargs))
    )
    method.__signature__ = inspect.signature(bound)
    return functools.update_wrapper(method, work)
