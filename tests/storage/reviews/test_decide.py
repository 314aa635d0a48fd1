"""Decisions on photos: kept once and for ever, undone, in conflict, of pairs, and beside results."""

import asyncio
from datetime import timedelta
from uuid import UUID

import msgspec
import psycopg
import pytest

from retailpulse.domain.errors import Conflict, InvalidRequest, NotFound
from retailpulse.domain.flags import Flag
from retailpulse.domain.reviews import Decision
from retailpulse.schema import PhotoRef
from retailpulse.service import Reviews
from retailpulse.storage.jobs import prune as pruning
from retailpulse.storage.postgres.database import Database
from retailpulse.worker.pruner import Pruner
from tests.storage.checking import change, found, mended
from tests.storage.ended import rows
from tests.storage.jobs import failed, submit
from tests.storage.matches.handed_in import drawn, flags, hand_in, match, matches
from tests.storage.reviews.photos import copied_photo, decide, flagged_job
from tests.storage.settled import settle

BLANK, NOTHING = [Flag.BLANK], list[Flag]()
PAIRS = "SELECT job_id_a, image_no_a, job_id_b, image_no_b FROM photo_pairs_apart"


def shown(database: Database, job_id: UUID) -> dict[int, str | None]:
    """What results show of decisions."""
    return dict(rows(database, "SELECT image_no, review FROM results WHERE job_id = %s", job_id))


async def test_the_same_decision_twice_is_one_and_an_undo_brings_back_the_one_before(
    database: Database,
) -> None:
    job_id = await flagged_job(database, BLANK, NOTHING)
    reviews = Reviews(database)
    for _ in range(2):
        state = await decide(database, job_id, 1, Decision.REJECTED, reason="a wall")
    assert (state.review, state.reviewed_by, state.review_reason) == ("rejected", "anna", "a wall")
    assert [(entry.revision, entry.decision, entry.flags) for entry in state.history] == [
        (1, "rejected", ["blank"])
    ]
    assert (state.flags, state.store_id, state.area) == (["blank"], "RP00001", "7100015")
    state = await decide(database, job_id, 1, Decision.ACCEPTED, revision=1)
    assert (state.review, state.revision, shown(database, job_id)) == (
        "accepted",
        2,
        {1: "accepted", 2: None},
    )
    for _ in range(2):  # a request that comes again undoes nothing more
        state = await reviews.undo((job_id, 1), by="anna", revision=None)
        assert (state.review, state.review_reason, state.revision) == ("rejected", "a wall", 3)
    for _ in range(2):
        state = await reviews.undo((job_id, 1), by="anna", revision=3)
    assert (state.review, state.reviewed_at, state.revision) == (None, None, 4)
    assert [(entry.decision, entry.undoes) for entry in state.history] == [
        ("rejected", None),
        ("accepted", None),
        ("undone", 2),
        ("undone", 1),
    ]
    assert shown(database, job_id) == {1: None, 2: None}
    assert (await decide(database, job_id, 1, Decision.FLAG_WRONG, flag=Flag.BLANK)).flag == "blank"
    assert found(database) == {}


async def test_of_two_people_who_decide_at_once_the_later_one_learns_of_the_other(database: Database) -> None:
    job_id = await flagged_job(database, BLANK)
    came = await asyncio.gather(
        decide(database, job_id, 1, Decision.ACCEPTED, by="anna"),
        decide(database, job_id, 1, Decision.REJECTED, by="ben"),
        return_exceptions=True,
    )
    (lost,) = [one for one in came if isinstance(one, BaseException)]
    (won,) = [one for one in came if not isinstance(one, BaseException)]
    assert isinstance(lost, Conflict)
    assert f"{won.reviewed_by} has decided {won.review}" in str(lost)
    assert shown(database, job_id) == {1: won.review}
    with pytest.raises(Conflict, match="the revision is 1, not 0"):
        await decide(database, job_id, 1, Decision.FLAG_WRONG, revision=0)
    with pytest.raises(Conflict, match="to undo that, name the revision 1"):
        await Reviews(database).undo((job_id, 1), by="carl", revision=None)
    undone = await Reviews(database).undo((job_id, 1), by="carl", revision=1)
    assert (undone.review, undone.history[-1].by) == (None, "carl")


async def test_what_cannot_be_decided_is_refused_with_its_reason(database: Database) -> None:
    job_id = await flagged_job(database, BLANK, NOTHING)
    other = await submit(database, ["http://photos.example/1.png", "http://photos.example/2.png"])
    await settle(database, [failed(other, 1)])
    for photo, decision, more, error, text in (
        ((job_id, 3), Decision.ACCEPTED, {}, NotFound, "no image 3"),
        ((UUID(int=1), 1), Decision.ACCEPTED, {}, NotFound, "no image 1"),
        ((other, 1), Decision.REJECTED, {}, Conflict, "not measured, it is failed"),
        ((other, 2), Decision.REJECTED, {}, Conflict, "no result yet"),
        ((job_id, 2), Decision.FLAG_WRONG, {}, Conflict, "not flagged"),
        ((job_id, 1), Decision.FLAG_WRONG, {"flag": Flag.DARK}, Conflict, "not flagged dark, but blank"),
        ((job_id, 1), Decision.FLAG_WRONG, {"pair": (job_id, 1)}, InvalidRequest, "the photo itself"),
        ((job_id, 1), Decision.FLAG_WRONG, {"pair": (job_id, 9)}, NotFound, "pair: there is no image 9"),
        ((job_id, 1), Decision.FLAG_WRONG, {"pair": (job_id, 2)}, Conflict, "its matches: none"),
        ((job_id, 1), Decision.REJECTED, {"pair": (job_id, 2)}, InvalidRequest, "only flag_wrong is about"),
        (
            (job_id, 1),
            Decision.FLAG_WRONG,
            {"pair": (job_id, 2), "flag": Flag.BLANK},
            InvalidRequest,
            "copy or same_scene, not blank",
        ),
    ):
        with pytest.raises(error, match=text):
            await decide(database, *photo, decision, **more)
    assert (await decide(database, job_id, 2, Decision.REJECTED)).review == "rejected"  # though not flagged
    assert rows(database, "SELECT count(*) FROM review_history") == [(1,)]
    with pytest.raises(NotFound):
        await Reviews(database).undo((job_id, 3), by="anna", revision=None)


async def test_a_pair_is_kept_apart_while_a_decision_stands_from_either_side(database: Database) -> None:
    first, second = await copied_photo(database)
    pair = tuple(value for photo in sorted([(first, 1), (second, 1)]) for value in photo)
    reviews = Reviews(database)
    await decide(database, second, 1, Decision.FLAG_WRONG, pair=(first, 1))
    assert rows(database, PAIRS) == [pair]
    # Told apart, the two are no match any more.
    await decide(database, first, 1, Decision.FLAG_WRONG, pair=(second, 1))
    await reviews.undo((first, 1), by="anna", revision=None)
    assert rows(database, PAIRS) == [pair]
    await match(database)
    assert (flags(database, second), matches(database)) == ([], {})
    await decide(database, second, 1, Decision.REJECTED, revision=1)  # for another reason
    assert rows(database, PAIRS) == [pair]
    assert found(database) == {}
    await reviews.undo((second, 1), by="anna", revision=2)
    await reviews.undo((second, 1), by="anna", revision=3)
    assert rows(database, PAIRS) == []
    await match(database)
    assert flags(database, second) == ["copy"]


@pytest.mark.parametrize("flag", [None, Flag.COPY])
async def test_that_a_copy_is_none_is_said_of_its_match(database: Database, flag: Flag | None) -> None:
    first, second = await copied_photo(database)
    state = await Reviews(database).state((second, 1))
    assert state.matched is not None
    assert msgspec.structs.asdict(state.matched) == {
        "job_id": str(first),
        "image_no": 1,
        "store_id": "RP00002",
        "visit_time": "2026-11-13T10:00:00+00:00",
        "kind": "copy",
        "relation": "other_store",
        "distance": 9,
    }
    for _ in range(2):  # the second time while the flag is there, the match no more
        state = await decide(database, second, 1, Decision.FLAG_WRONG, flag=flag)
    await match(database)
    assert flags(database, second) == []
    state = await decide(database, second, 1, Decision.FLAG_WRONG, flag=flag)
    assert (state.pair, state.revision, state.matched) == (
        PhotoRef(job_id=str(first), image_no=1),
        1,
        None,
    )


async def test_another_flag_that_is_wrong_leaves_the_match_alone(database: Database) -> None:
    _, second = await copied_photo(database)
    change(database, "UPDATE results SET flags = '{blank,copy}' WHERE 'copy' = ANY(flags)")
    state = await decide(database, second, 1, Decision.FLAG_WRONG, flag=Flag.BLANK)
    assert (state.pair, rows(database, PAIRS), len(matches(database))) == (None, [], 1)


async def test_a_pair_that_is_none_is_refused_by_the_matches_that_are(database: Database) -> None:
    first, second = await copied_photo(database)
    other = await flagged_job(database, BLANK)
    for photo, named in ((first, second), (second, first)):
        with pytest.raises(Conflict, match=f"its matches: image 1 of the job {named}$"):
            await decide(database, photo, 1, Decision.FLAG_WRONG, pair=(other, 1))
    assert rows(database, "SELECT count(*) FROM review_history") == [(0,)]


async def test_decisions_outlive_their_job_and_can_be_undone_then(database: Database) -> None:
    job_id = await flagged_job(database, BLANK)
    await decide(database, job_id, 1, Decision.REJECTED)
    async with database.transaction() as connection:
        await pruning.hide_job(connection, job_id)
    pruner = Pruner(database, jobs_age=None, keys_age=timedelta(days=1), wait=True)
    assert [step async for step in pruner.steps()]
    assert rows(database, "SELECT FROM results") == []
    reviews = Reviews(database)
    state = await reviews.state((job_id, 1))
    assert (state.review, state.flags, state.image_url) == (
        "rejected",
        ["blank"],
        "https://photos.example/0.jpg",
    )
    assert (state.store_id, state.visit_time, state.sha256) == ("RP00001", "2026-11-20", f"{1:064x}")
    with pytest.raises(NotFound):
        await decide(database, job_id, 1, Decision.ACCEPTED, revision=1)
    assert (await reviews.undo((job_id, 1), by="anna", revision=None)).review is None
    assert found(database) == {}


async def test_the_history_is_never_changed(database: Database) -> None:
    job_id = await flagged_job(database, BLANK)
    await decide(database, job_id, 1, Decision.REJECTED)
    for statement in ("UPDATE review_history SET reason = 'mine'", "DELETE FROM review_history"):
        with pytest.raises(psycopg.errors.RaiseException, match="never changed"):
            change(database, statement)


async def test_what_does_not_follow_from_the_history_is_found_and_mended(database: Database) -> None:
    photo = drawn(1)
    job_id = await hand_in(database, ("RP00001", photo), ("RP00002", photo.changed(9)), ("RP00003", drawn(2)))
    await match(database)
    await decide(database, job_id, 1, Decision.FLAG_WRONG, pair=(job_id, 2))
    await decide(database, job_id, 2, Decision.REJECTED)
    change(
        database,
        "DELETE FROM photo_pairs_apart",
        "UPDATE results SET review = 'accepted' WHERE image_no = 3",
        "UPDATE reviews SET decision = 'accepted' WHERE image_no = 2",
        "INSERT INTO photo_pairs_apart SELECT job_id, 1, job_id, 3 FROM jobs",
    )
    assert {name: finding.count for name, finding in found(database).items()} == {
        "review_standing": 1,
        "review_of_result": 2,
        "review_pairs": 2,
    }
    assert len(await mended(database)) == 4
    assert found(database) == {}
    assert shown(database, job_id) == {1: "flag_wrong", 2: "rejected", 3: None}
