"""403 is tried again until it is known what it means at a host."""

from retailpulse.fetch.host.forbidden import ForbiddenMemory


def pauses(memory: ForbiddenMemory, now: float = 0.0) -> list[int]:
    """The pauses of an image that is only ever forbidden, until it fails."""
    found: list[int] = []
    while (seconds := memory.pause_seconds(len(found) + 1, succeeded_at=now, now=now)) is not None:
        found.append(seconds)
        now += seconds
    return found


def test_an_image_is_asked_for_again_after_growing_pauses() -> None:
    assert pauses(ForbiddenMemory()) == [1, 2, 4, 8]


def test_a_host_that_answers_nobody_is_not_asked_again() -> None:
    assert ForbiddenMemory().pause_seconds(1, succeeded_at=0.0, now=10.1) is None
    assert ForbiddenMemory().pause_seconds(1, succeeded_at=float("-inf"), now=0.0) is None


def test_three_images_that_stay_forbidden_speak_for_all_others_for_a_minute() -> None:
    memory = ForbiddenMemory()
    for _ in range(3):
        assert pauses(memory)
    assert pauses(memory, now=1.0) == []
    assert pauses(memory, now=80.0) == [1, 2, 4, 8]


def test_one_image_that_passes_speaks_for_all_others() -> None:
    memory = ForbiddenMemory()
    for _ in range(3):
        pauses(memory)
    memory.passed()
    assert memory.passes
    assert pauses(memory) == [1, 2, 4, 8, 8, 8, 8, 8, 8]


def test_it_passes_no_more_once_three_images_in_a_row_stayed_forbidden() -> None:
    memory = ForbiddenMemory()
    memory.passed()
    for _ in range(3):
        assert memory.passes
        pauses(memory)
    assert not memory.passes


def test_few_images_find_it_out_while_the_others_wait() -> None:
    memory = ForbiddenMemory()
    first = [memory.pause_seconds(1, succeeded_at=0.0, now=0.0) for _ in range(20)]
    assert first == [1] * 8 + [16] * 12
    memory.passed()
    assert memory.pause_seconds(1, succeeded_at=0.0, now=0.0) == 1
