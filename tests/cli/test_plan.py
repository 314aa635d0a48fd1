"""The command `plan`: what it reads, what it says, what it refuses."""

import json
from pathlib import Path

import msgspec
import pytest
from click.testing import CliRunner, Result

from retailpulse.cli import group
from retailpulse.domain.capacity import OURS


def typed(*words: str) -> Result:
    return CliRunner().invoke(group, ["plan", *words], catch_exceptions=False, env={"COLUMNS": "200"})


def test_it_says_what_a_load_takes_and_what_limits_it_first() -> None:
    said = typed("--images-per-day", "100M", "--size", "2.5MB", "--hosts", "20", "--latency", "80ms").output
    assert "images a second, at the peak  3,472.2" in said
    assert "WHAT LIFTS IT" in said
    assert OURS.measured_on in said


@pytest.mark.parametrize("words", [("1,000,000",), ("1M",), ("1000k",), ("1000000",), ("1 m",)])
def test_numbers_are_read_as_people_type_them(words: tuple[str]) -> None:
    done = typed("--images-per-day", *words, "--json")
    assert json.loads(done.output)["images_per_second"] == pytest.approx(1e6 / 86_400 * 3)


@pytest.mark.parametrize(
    ("option", "value"),
    [("--images-per-day", "many"), ("--images-per-day", "0"), ("--size", "2.5 apples"), ("--latency", "-1s")],
)
def test_what_is_no_number_is_refused_with_an_example(option: str, value: str) -> None:
    done = typed("--images-per-day", "1M", option, value)
    assert done.exit_code == 2
    assert "is no number above 0 such as" in " ".join(done.output.replace("│", " ").split())


def test_costs_of_another_machine_may_be_given(tmp_path: Path) -> None:
    costs = msgspec.structs.replace(OURS, measured_on="a fast one", decode_us_per_megapixel=1.0)
    file = tmp_path / "costs.json"
    file.write_bytes(msgspec.json.encode(costs))
    slow, fast = (
        json.loads(typed("--images-per-day", "100M", "--json", *words).output)["workers"]
        for words in ((), ("--costs", str(file)))
    )
    assert fast < slow
    file.write_text("{}")
    done = typed("--images-per-day", "1M", "--costs", str(file))
    assert done.exit_code == 1
    assert "holds no costs" in done.output
