"""Names and addresses as a whole downloader meets them, in a small internet of its own (see `namespace`)."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest

from retailpulse.domain.images import Cause
from retailpulse.fetch.failures import TryFailed
from retailpulse.fetch.target.dns import HIDDEN, LOOKUPS_AT_ONCE, CachingResolver
from tests.fetch.namespace.playing import Report, play
from tests.fetch.namespace.rebinding import PATHS
from tests.fetch.namespace.refused import INTERNAL_ADDRESSES, REDIRECTS
from tests.fetch.namespace.world import PUBLIC, PUBLIC_V6

FETCHED = "fetched"
_TRICKY_SPELLINGS = ("@", "%lo", "%25lo", "localhost..", "//./")


@pytest.fixture
async def resolver() -> AsyncIterator[CachingResolver]:
    asked = CachingResolver()
    yield asked
    asked.close()


def outcomes(told: dict[str, Any]) -> dict[str, str]:
    return {what: one["outcome"] for what, one in told.items()}


def assert_only_sent_to(report: Report, *addresses: str) -> None:
    """No packet went to any other address, whatever the web servers there would have noticed."""
    assert report.packets_lost == 0
    assert report.packets == sorted(addresses)
    assert sorted(report.reached) == sorted(addresses)


def test_of_a_name_with_public_and_internal_addresses_only_the_public_one_is_dialled() -> None:
    report = play("a_name_with_public_and_internal_addresses")
    assert set(outcomes(report.told).values()) == {FETCHED}
    assert_only_sent_to(report, PUBLIC, PUBLIC_V6)


def test_a_dead_public_address_does_not_lead_to_the_internal_one() -> None:
    report = play("a_name_with_a_dead_public_and_a_living_internal_address")
    assert outcomes(report.told) == {"half-dead": "connect"}
    assert_only_sent_to(report)


def test_a_name_with_internal_addresses_alone_is_refused_also_by_an_alias() -> None:
    report = play("names_with_internal_addresses_alone")
    assert len(report.told) == 2 * len(INTERNAL_ADDRESSES)
    assert set(outcomes(report.told).values()) == {"blocked_address"}
    assert {one["tries"] for one in report.told.values()} == {1}
    assert_only_sent_to(report)


def test_where_internal_names_are_hidden_they_fail_like_names_that_do_not_exist() -> None:
    report = play("names_that_are_hidden")
    number, slow = (report.told.pop(f"http://{host}/") for host in ("10.1.2.3", "slow.test"))
    alike = {"outcome": "dns", "tries": 1, "detail": HIDDEN}
    for told in report.told.values():
        assert told.pop("moments") >= 1  # a whole one; how many more is up to the machine
        assert told == alike
    assert slow.pop("moments") >= 2
    assert slow == alike
    assert (number["outcome"], number["detail"]) == (
        "blocked_address",
        "the address of the host is not allowed",
    )
    assert_only_sent_to(report, PUBLIC)


def test_no_redirect_leads_inside_however_the_address_is_spelt() -> None:
    report = play("redirects_to_the_inside")
    assert set(report.told) == set(REDIRECTS)
    plain = {
        where: outcome
        for where, outcome in outcomes(report.told).items()
        if not any(trick in where for trick in _TRICKY_SPELLINGS)
    }
    assert len(plain) > 20
    assert set(plain.values()) == {"blocked_address"}
    assert set(outcomes(report.told).values()) == {"blocked_address", "bad_url", "dns"}
    assert_only_sent_to(report, PUBLIC)


def test_what_was_checked_is_what_is_dialled_though_the_name_has_moved_since() -> None:
    report = play("a_name_that_moves_inside_after_the_first_question")
    assert outcomes(report.told["told"]) == dict.fromkeys(PATHS, FETCHED)
    assert report.told["told"]["/reset-once"]["tries"] <= 2
    assert report.told["asked"] == 1
    assert report.reached[PUBLIC] > 1  # a new connection was made after the name had moved
    assert_only_sent_to(report, PUBLIC)


def test_an_open_connection_is_not_used_for_a_name_that_has_moved_inside() -> None:
    report = play("a_name_that_moves_inside_once_it_is_forgotten")
    assert [one["outcome"] for one in report.told["told"]] == [FETCHED, FETCHED, *2 * ["blocked_address"]]
    assert report.told["asked"] == 4
    assert_only_sent_to(report, PUBLIC)


def test_a_name_that_moves_inside_between_two_tries_is_refused() -> None:
    report = play("a_name_that_moves_inside_between_two_tries")
    assert outcomes(report.told) == {"reset": "blocked_address", "hop": "blocked_address"}
    assert report.told["reset"]["tries"] == 2
    assert_only_sent_to(report, PUBLIC)


def test_a_name_that_has_moved_inside_is_refused_when_its_time_is_over() -> None:
    report = play("a_name_that_moves_inside_when_its_time_is_over")
    assert report.told["first"]["outcome"] == FETCHED
    assert report.told["last"]["outcome"] == "blocked_address"
    assert report.told["asked"] == 2
    assert_only_sent_to(report, PUBLIC)


def test_a_name_that_flips_is_fetched_from_only_while_it_is_public() -> None:
    report = play("a_name_that_flips_with_every_question")
    assert report.told["outcomes"] == [FETCHED, "blocked_address"] * 10
    assert_only_sent_to(report, PUBLIC)


def test_libcurl_looks_no_name_up_by_itself_when_the_addresses_stay_the_same() -> None:
    report = play("a_name_whose_address_is_found_again")
    assert report.told["asked"] == 2
    assert set(report.told["outcomes"]) == {FETCHED}
    assert_only_sent_to(report, PUBLIC)


@pytest.mark.parametrize("kind", ["connection", "tls_connection", "http2_connection"])
def test_no_name_is_fetched_over_the_open_connection_of_another(kind: str) -> None:
    report = play(f"an_open_{kind}_of_another_name")
    told = [(host, one["outcome"]) for host, one in report.told["told"]]
    assert told == [
        ("first.test", FETCHED),
        ("first.test", FETCHED),
        ("inside.test", "blocked_address"),
        ("second.test", FETCHED),
        ("second.test", "blocked_address"),
        ("first.test", FETCHED),
    ]
    connections = [(one["host"], one["connection"]) for one in report.told["asked"]]
    assert connections == [("first.test", 1), ("first.test", 1), ("second.test", 2), ("first.test", 1)]
    assert_only_sent_to(report, PUBLIC)


def test_five_hundred_images_of_one_name_at_once_ask_for_it_once() -> None:
    asked = play("many_images_of_one_name").told["asked"]
    assert asked[:2] == [1, 1]  # the second round finds it known


def test_a_name_is_asked_for_again_when_its_time_is_over() -> None:
    asked = play("one_name_again_after_its_time").told["asked"]
    assert sorted(set(asked)) == [1, 2, 3]
    assert asked.count(1) > 1
    assert asked.count(2) > 1


def test_a_name_that_does_not_exist_is_final() -> None:
    report = play("names_that_do_not_exist")
    assert {(one["outcome"], one["tries"]) for one in report.told["told"].values()} == {("dns", 1)}
    assert max(report.told["asked"].values()) == 1


def test_a_name_that_does_not_exist_is_asked_for_once_for_all_its_images() -> None:
    report = play("many_images_of_a_name_that_does_not_exist")
    assert {one["outcome"] for one in report.told["told"]} == {"dns"}
    assert max(one["tries"] for one in report.told["told"]) == 1
    assert report.told["asked"] == 1


def test_a_resolver_that_fails_is_asked_again() -> None:
    report = play("a_resolver_that_fails")
    told = {host: (one["outcome"], one["tries"]) for host, one in report.told["told"].items()}
    assert told == {"once": (FETCHED, 2), "always": ("dns", 3), "refused": ("dns", 3), "returns": ("dns", 1)}
    assert report.told["asked"]["always.test A"] == 3
    assert report.told["asked"]["returns.test A"] == 1


def test_a_name_that_nobody_answers_for_holds_up_nobody_else() -> None:
    report = play("a_name_that_nobody_answers_for")
    silent = report.told["silent"]
    assert (silent["outcome"], silent["tries"]) == ("dns", 3)
    before = report.told["order"][: report.told["order"].index("silent")]
    assert before.count("tick") > 10
    assert before.count(FETCHED) > 10
    assert report.told["asked"]["silent.test A"] == 3


def test_never_more_than_so_many_names_are_looked_up_at_once() -> None:
    report = play("two_hundred_slow_names")
    assert report.told["outcomes"] == [FETCHED]
    assert report.told["at_once"] == LOOKUPS_AT_ONCE


def test_waiting_for_a_thread_does_not_fail_a_name() -> None:
    report = play("more_silent_names_than_threads")
    assert (report.told["good"]["outcome"], report.told["good"]["tries"]) == (FETCHED, 1)


async def test_a_number_is_its_own_address(resolver: CachingResolver) -> None:
    assert await resolver.resolve("93.184.216.34") == ("93.184.216.34",)
    assert await resolver.resolve("2130706433") == ("127.0.0.1",)


async def test_localhost_is_looked_up_like_any_name(resolver: CachingResolver) -> None:
    assert "127.0.0.1" in await resolver.resolve("localhost")


@pytest.mark.parametrize("name", ["", ".", "a..invalid", f"{'a' * 64}.invalid", "x" * 253])
async def test_what_cannot_be_a_name_is_none(resolver: CachingResolver, name: str) -> None:
    with pytest.raises(TryFailed) as failed:
        await resolver.resolve(name)
    assert (failed.value.cause, failed.value.again) == (Cause.DNS, False)


async def test_names_that_are_closed_are_not_asked(resolver: CachingResolver) -> None:
    resolver.close()
    with pytest.raises(RuntimeError):
        await resolver.resolve("photos.invalid")
    assert not [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
