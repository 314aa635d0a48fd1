"""The ring of bodies: each lies there untouched until it is freed, round and round."""

import itertools
import os
import random
from collections import deque
from collections.abc import Iterator

import pytest

from retailpulse.measure.process_pool.ring_buffer import HOT_BYTES, MOST_BYTES, SHELF_BYTES, SLOTS, RingBuffer


@pytest.fixture
def ring_buffer() -> Iterator[RingBuffer]:
    made = RingBuffer()
    yield made
    made.close()
    os.close(made.fd)


@pytest.mark.parametrize("most_bytes", [20_000, 900_000, MOST_BYTES])
def test_what_lies_there_stays_as_it_was_until_it_is_freed(ring_buffer: RingBuffer, most_bytes: int) -> None:
    dice = random.Random(most_bytes)
    lying: deque[tuple[int, bytes]] = deque()
    starts = []
    for number in range(min(600, 300_000_000 // most_bytes)):
        body = number.to_bytes(4) * (dice.randrange(1, most_bytes) // 4 + 1)
        body = body[:MOST_BYTES]
        while (start := ring_buffer.lay((body[:100], body[100:]), len(body))) is None or len(lying) > 50:
            at, expected = lying.popleft()
            assert ring_buffer.memory[at : at + len(expected)] == expected
            ring_buffer.free_oldest()
            if start is not None:
                break
        if start is not None:
            lying.append((start, body))
            starts.append(start)
    assert min(starts) == SLOTS
    assert sum(later < earlier for earlier, later in itertools.pairwise(starts)) > 2


def test_a_body_that_needs_the_whole_shelf_is_laid_alone(ring_buffer: RingBuffer) -> None:
    assert ring_buffer.lay((bytes(MOST_BYTES),), MOST_BYTES) == SLOTS
    assert ring_buffer.lay((b"x",), 1) is None
    ring_buffer.free_oldest()
    assert ring_buffer.lay((bytes(MOST_BYTES + 1),), MOST_BYTES + 1) is None
    assert ring_buffer.lay((b"x",), 1) == SLOTS


def test_the_ring_goes_round_early_while_there_is_room_at_its_beginning(ring_buffer: RingBuffer) -> None:
    size = HOT_BYTES // 3
    for _ in range(4):
        ring_buffer.lay((bytes(size),), size)
    for _ in range(2):
        ring_buffer.free_oldest()
    assert ring_buffer.lay((bytes(size),), size) == SLOTS


def test_a_decoder_gone_mad_cannot_cut_the_memory_away_under_the_worker(ring_buffer: RingBuffer) -> None:
    with pytest.raises(PermissionError):
        os.ftruncate(ring_buffer.fd, 0)
    assert os.fstat(ring_buffer.fd).st_size == SHELF_BYTES
