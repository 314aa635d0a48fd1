"""That what waits for ever in a test fails by the bound, and names the line that waits."""

import asyncio

import pytest

from tests.waiting import bound, within


async def test_what_never_comes_is_told_and_cancelled() -> None:
    never = asyncio.get_running_loop().create_future()
    with pytest.raises(AssertionError, match=r"waited 0\.01 s for <Future"):
        await within(never, 0.01)
    assert never.cancelled()


async def test_an_error_of_what_is_awaited_is_its_own() -> None:
    async def late() -> None:
        raise TimeoutError("of its own")

    with pytest.raises(TimeoutError, match="of its own"):
        await within(late())


async def test_a_whole_test_is_bound(request: pytest.FixtureRequest) -> None:
    async def hangs() -> None:
        await asyncio.get_running_loop().create_future()

    assert isinstance(request.node, pytest.Function)
    item = pytest.Function.from_parent(request.node.parent, name="hangs", callobj=hangs)
    item.add_marker(pytest.mark.timeout(10.01))
    bound(item)
    with pytest.raises(AssertionError, match=r"waited 0\.01 s"):
        await item.obj()
