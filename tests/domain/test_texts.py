"""What no eye sees is taken away around texts, and within ids."""

import pytest

from retailpulse.domain.texts import trimmed, trimmed_id

INVISIBLE = ("\u200b", "\u200c", "\u200d", "\u2060", "\ufeff")


@pytest.mark.parametrize(
    "around", [" ", "\t", "\r\n", "\u00a0", "\u202f", "\u3000", *INVISIBLE, "\u00a0\u200b "]
)
def test_what_is_around_a_text_goes(around: str) -> None:
    assert trimmed(f"{around}RP 1{around}") == trimmed_id(f"{around}RP 1{around}") == "RP 1"


@pytest.mark.parametrize("within", INVISIBLE)
def test_what_is_within_goes_from_ids_alone(within: str) -> None:
    assert trimmed_id(f"RP{within}1") == "RP1"
    assert trimmed(f"RP{within}1") == f"RP{within}1"


def test_blanks_within_an_id_stay() -> None:
    assert trimmed_id("RP\u00a01 a") == "RP\u00a01 a"
