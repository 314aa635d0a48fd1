"""What the words of `--only` choose."""

import pytest
from bench.cases import CASES, BenchFailed
from bench.plan import HOSTILE, PARTS, choose
from bench.scheduling import SCHEDULING
from bench.truth.figures import TRUTH


def test_without_a_word_everything_is_measured_but_hosts_that_misbehave() -> None:
    plan = choose([])
    assert list(plan.cases) == list(CASES)
    assert list(plan.parts) == ["submit", "latency", "backlog", "workers", "tabs"] == list(PARTS)
    assert plan.hostile == []


def test_depths_and_photos_pick_cases_and_no_part() -> None:
    plan = choose(["header", "10kB"])
    assert [case.name for case in plan.cases] == ["header 10kB"]
    assert plan.parts == []


def test_a_part_alone_brings_no_case_along() -> None:
    plan = choose(["backlog"])
    assert (list(plan.cases), plan.parts) == ([], ["backlog"])


def test_a_part_and_a_depth_are_both_measured() -> None:
    plan = choose(["submit", "decode"])
    assert [case.name for case in plan.cases] == ["decode 10kB", "decode 214kB", "decode 12MP"]
    assert plan.parts == ["submit"]


def test_one_word_names_all_hosts_that_misbehave() -> None:
    plan = choose(["hostile"])
    assert plan.hostile == list(HOSTILE)
    assert plan.steps == len(HOSTILE)


@pytest.mark.parametrize("words", [["hostile", "decode"], ["dead-host", "submit"], ["bombs", "scheduling"]])
def test_hosts_that_misbehave_are_not_mixed_with_others(words: list[str]) -> None:
    with pytest.raises(BenchFailed, match="misbehave"):
        choose(words)


def test_what_it_costs_to_be_observed_is_measured_if_it_is_named() -> None:
    assert choose(["observe"]).parts == ["observe"]


def test_an_unknown_word_is_answered_with_all_known_ones() -> None:
    with pytest.raises(BenchFailed, match=r"'submits'.*header.*214kB.*submit.*hostile"):
        choose(["submits"])


def test_one_word_names_all_of_scheduling_which_is_not_measured_unasked() -> None:
    assert choose([]).scheduling == []
    plan = choose(["scheduling"])
    assert (plan.scheduling, plan.parts, plan.steps) == (list(SCHEDULING), [], len(SCHEDULING))


def test_one_case_of_scheduling_can_be_named() -> None:
    plan = choose(["scheduling-urgent"])
    assert (plan.scheduling, list(plan.cases)) == (["scheduling-urgent"], [])


def test_truth_and_each_of_its_parts_can_be_named_and_are_not_measured_unasked() -> None:
    assert choose([]).truth == []
    assert choose(["truth"]).truth == list(TRUTH)
    plan = choose(["truth-cost", "truth-service"])
    assert (plan.truth, list(plan.cases), plan.parts, plan.steps) == (
        ["truth-cost", "truth-service"],
        [],
        [],
        2,
    )
    with pytest.raises(BenchFailed, match="misbehave"):
        choose(["truth", "tricks"])
