"""The ring of bodies: each lies there untouched until it is freed, round and round."""

import itertools
import os
import random
from collections import deque
from collections.abc import Iterator

import pytest

from retailpulse.measure.process_pool.ring_buffer import (
    HOT_BYTES,
    LEAST_ROOM_BYTES,
    MOST_BYTES,
    SHELF_BYTES,
    SLOTS,
    RingBuffer,
)


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
        while (room := ring_buffer.lay((body[:100], body[100:]), len(body))) is None or len(lying) > 50:
            at, expected = lying.popleft()
            assert ring_buffer.memory[at : at + len(expected)] == expected
            ring_buffer.free_oldest()
            if room is not None:
                break
        if room is not None:
            lying.append((room.offset, body))
            starts.append(room.offset)
    assert min(starts) == SLOTS
    assert sum(later < earlier for earlier, later in itertools.pairwise(starts)) > 2


def test_a_body_that_needs_the_whole_shelf_is_laid_alone(ring_buffer: RingBuffer) -> None:
    assert ring_buffer.lay((bytes(MOST_BYTES),), MOST_BYTES) == (SLOTS, MOST_BYTES)
    assert ring_buffer.lay((b"x",), 1) is None
    ring_buffer.free_oldest()
    assert ring_buffer.lay((bytes(MOST_BYTES + 1),), MOST_BYTES + 1) is None
    assert ring_buffer.lay((b"x",), 1) == (SLOTS, LEAST_ROOM_BYTES)


def test_the_ring_goes_round_early_while_there_is_room_at_its_beginning(ring_buffer: RingBuffer) -> None:
    size = HOT_BYTES // 3
    for _ in range(4):
        ring_buffer.lay((bytes(size),), size)
    for _ in range(2):
        ring_buffer.free_oldest()
    assert ring_buffer.lay((bytes(size),), size) == (SLOTS, size)


def test_what_a_decoder_left_is_read_from_the_room_of_its_body_alone(ring_buffer: RingBuffer) -> None:
    first, second = (ring_buffer.lay((bytes(30_000),), 30_000) for _ in range(2))
    assert first is not None
    assert second is not None
    ring_buffer.memory[first.offset : first.offset + 5] = b"abcde"
    ring_buffer.memory[second.offset : second.offset + 30_000] = b"x" * 30_000
    assert ring_buffer.free_oldest([2, 3]) == [b"ab", b"cde"]
    assert ring_buffer.free_oldest([30_000, 1]) == []  # beyond it lies another's


def test_a_decoder_gone_mad_cannot_cut_the_memory_away_under_the_worker(ring_buffer: RingBuffer) -> None:
    with pytest.raises(PermissionError):
        os.ftruncate(ring_buffer.fd, 0)
    assert os.fstat(ring_buffer.fd).st_size == SHELF_BYTES
