import asyncio

from retailpulse.worker.claims import Claims

from retailpulse.worker.admission import Admission


class Waiting:
    """How many images only wait, as a test has it."""

    def __init__(self) -> None:
        self.images = 0

    def __call__(self) -> int:
        return self.images


def some_claims(parked: Waiting, admission: Admission) -> Claims:
    return Claims(chunk_images=10, chunks=2, parked=parked, admission=admission)


async def test_a_chunk_is_claimed_while_there_are_too_few_images_in_hand() -> None:
    claims = some_claims(Waiting(), Admission(1))
    with claims.chunk():
        assert await claims.room()
        with claims.chunk() as held:
            waiting = asyncio.create_task(claims.room())
            await asyncio.sleep(0)
            assert not waiting.done()
            held.done()
            assert await waiting


async def test_a_small_chunk_leaves_room_for_more() -> None:
    claims = some_claims(Waiting(), Admission(1))
    with claims.chunk() as first, claims.chunk() as second:
        first.become(1)
        second.become(1)
        assert await claims.room()


async def test_images_that_only_wait_leave_room_for_others() -> None:
    parked = Waiting()
    claims = some_claims(parked, Admission(1))
    with claims.chunk(), claims.chunk():
        waiting = asyncio.create_task(claims.room())
        await asyncio.sleep(0)
        assert not waiting.done()
        parked.images = 15
        assert await waiting


async def test_nothing_is_claimed_while_the_worker_stops() -> None:
    admission = Admission(1)
    claims = some_claims(Waiting(), admission)
    with claims.chunk(), claims.chunk():
        waiting = asyncio.create_task(claims.room())
        await asyncio.sleep(0)
        admission.drain()
        assert await waiting is False
    assert await claims.room() is False


async def test_a_fast_worker_holds_more_images_than_a_slow_one() -> None:
    claims = Claims(chunk_images=1_000, chunks=4, parked=Waiting(), admission=Admission(1))
    with claims.chunk() as first, claims.chunk() as second:
        first.become(300)
        waiting = asyncio.create_task(claims.room())
        await asyncio.sleep(0)
        assert not waiting.done()
        async with asyncio.timeout(30):
            while not waiting.done():  # some hundred thousand images a second
                second.become(10_000)
                second.become(0)
                await asyncio.sleep(0.001)
        assert await waiting


async def test_a_worker_whose_decoder_is_behind_leaves_the_rest_to_others() -> None:
    admission = Admission(1_000)
    claims = Claims(chunk_images=100, chunks=4, parked=Waiting(), admission=admission)
    with claims.chunk() as held:
        held.become(50)
        assert await claims.room()
        admission.arrived(200)
        waiting = asyncio.create_task(claims.room())
        await asyncio.sleep(0)
        assert not waiting.done()
        held.become(19)
        assert await waiting
