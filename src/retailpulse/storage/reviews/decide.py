"""Decisions are written: one entry of the history each, and what stands by it now.

All decisions of a database are made one after the other, by one lock: people make them, a few a second at
most. So what a transaction has read is what it changes. The caller's transaction holds all of it.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from uuid import UUID

from retailpulse.domain.errors import Conflict, InvalidRequest, NotFound
from retailpulse.domain.flags import Flag
from retailpulse.domain.images import Outcome
from retailpulse.domain.reviews import PAIR_FLAGS, Decision, ReviewStep
from retailpulse.storage import locks
from retailpulse.storage.matches.of_photo import read_earlier
from retailpulse.storage.postgres.database import Connection
from retailpulse.storage.reviews.history import Entry, Photo, read_history, standing
from retailpulse.storage.reviews.pairs import check_pair, write_pair


@dataclass(frozen=True, kw_only=True, slots=True)
class NewDecision:
    """A decision as it is asked for; `revision` is that of the photo on which it rests, 0 for none yet."""

    photo: Photo
    decision: Decision
    by: str
    reason: str | None = None
    flag: Flag | None = None
    pair: Photo | None = None
    revision: int | None = None

    def is_said_by(self, entry: Entry) -> bool:
        """Whether an entry says the same, no matter of who wrote it."""
        return (entry.decision, entry.reason, entry.flag, entry.pair) == (
            self.decision,
            self.reason,
            self.flag,
            self.pair,
        )


# The job is held, so that it is not pruned in between.
_PHOTO = """
    SELECT r.outcome, coalesce(r.flags, '{}')
    FROM (SELECT job_id FROM jobs WHERE job_id = %(job_id)s FOR KEY SHARE) j
    JOIN images i ON i.job_id = j.job_id AND i.image_no = %(image_no)s
    LEFT JOIN results r ON r.job_id = i.job_id AND r.image_no = i.image_no
"""
_EXISTS = "SELECT FROM images WHERE job_id = %s AND image_no = %s"

_WRITE_ENTRY = """
    INSERT INTO review_history (job_id, image_no, revision, decision, undoes, flags, flag, pair_job_id,
        pair_image_no, reason, decided_by, decided_at)
    VALUES (%(job_id)s, %(image_no)s, %(revision)s, %(decision)s, %(undoes)s, %(flags)s, %(flag)s,
        %(pair_job_id)s, %(pair_image_no)s, %(reason)s, %(by)s, clock_timestamp())
"""
_BEGIN_REVIEW = """
    INSERT INTO reviews (job_id, image_no, revision, store_id, visit_time, image_url, sha256)
    SELECT i.job_id, i.image_no, 1, v.store_id, v.visit_time, i.image_url, r.sha256
    FROM images i
    JOIN visits v ON v.job_id = i.job_id AND v.visit_no = i.visit_no
    JOIN results r ON r.job_id = i.job_id AND r.image_no = i.image_no
    WHERE i.job_id = %(job_id)s AND i.image_no = %(image_no)s
    ON CONFLICT DO NOTHING
"""
# What stands is told by the entry that says so; with none of that revision, nothing stands.
_SHOW_STANDING = """
    WITH shown AS (
        UPDATE reviews w SET revision = %(revision)s, decision = h.decision, flag = h.flag,
            pair_job_id = h.pair_job_id, pair_image_no = h.pair_image_no, reason = h.reason,
            decided_by = h.decided_by, decided_at = h.decided_at
        FROM (SELECT) one LEFT JOIN review_history h
            ON h.job_id = %(job_id)s AND h.image_no = %(image_no)s AND h.revision = %(standing)s
        WHERE w.job_id = %(job_id)s AND w.image_no = %(image_no)s
        RETURNING w.decision)
    UPDATE results r SET review = shown.decision
    FROM shown WHERE r.job_id = %(job_id)s AND r.image_no = %(image_no)s
"""


async def lock_reviews(connection: Connection) -> None:
    """Lets this transaction alone decide, until its end."""
    await connection.execute(locks.TAKE, [locks.REVIEWS])


async def decide(connection: Connection, new: NewDecision) -> bool:
    """Writes a decision under the lock; False if the same stands already, as after a repeated request.

    To replace another one, it must name the revision that it rests on. Without a pair, that a copy is none
    is said of the match of the photo. Raises NotFound, InvalidRequest, or Conflict: another decision stands,
    or there is nothing to decide on. Nothing is written if it raises.
    """
    flags = await _decidable(connection, new.photo)
    entries = await read_history(connection, new.photo)
    stands = standing(entries)
    latest = stands[-1] if stands else None
    new = await _with_pair(connection, new, flags, latest)
    await _check_subject(connection, new, flags)
    if latest is not None and new.is_said_by(latest):
        return False
    _check_revision(entries, latest, new.revision)
    revision = len(entries) + 1
    pair_job_id, pair_image_no = new.pair or (None, None)
    await connection.execute(
        _WRITE_ENTRY,
        {
            **_key(new.photo),
            "revision": revision,
            "decision": new.decision,
            "undoes": None,
            "flags": flags,
            "flag": new.flag,
            "pair_job_id": pair_job_id,
            "pair_image_no": pair_image_no,
            "reason": new.reason,
            "by": new.by,
        },
    )
    if not entries:
        await connection.execute(_BEGIN_REVIEW, _key(new.photo))
    if new.pair is not None:
        await write_pair(connection, new.photo, new.pair)
    await _show_standing(connection, new.photo, revision, standing_at=revision)
    return True


async def undo(connection: Connection, photo: Photo, *, by: str, revision: int | None) -> bool:
    """Undoes the decision that stands, under the lock, so that the one before it does again.

    False if none stands, or this repeats the undo before. Without a revision it undoes only what the same
    person decided. Raises NotFound, or Conflict.
    """
    entries = await read_history(connection, photo)
    if not entries:
        await known_image(connection, photo)
        return False
    last, stands = entries[-1], standing(entries)
    is_repeated = revision is None or len(entries) == revision + 1
    if (last.is_undo and last.decided_by == by and is_repeated) or not stands:
        return False
    latest = stands[-1]
    if revision is None and latest.decided_by != by:
        raise Conflict(f"{_described(latest)}: to undo that, name the revision {len(entries)}")
    if revision is not None:
        _check_revision(entries, latest, revision)
    undone = {
        **_key(photo),
        "revision": len(entries) + 1,
        "decision": ReviewStep.UNDONE,
        "undoes": latest.revision,
        "by": by,
    }
    nothing = dict.fromkeys(("flags", "flag", "pair_job_id", "pair_image_no", "reason"))
    await connection.execute(_WRITE_ENTRY, undone | nothing)
    before = stands[-2].revision if len(stands) > 1 else None
    if latest.pair is not None:
        await write_pair(connection, photo, latest.pair)
    await _show_standing(connection, photo, len(entries) + 1, standing_at=before)
    return True


async def known_image(connection: Connection, photo: Photo) -> None:
    """Raises NotFound if there is no such image."""
    cursor = await connection.execute(_EXISTS, photo)
    if await cursor.fetchone() is None:
        raise NotFound(f"there is no image {photo[1]} in a job {photo[0]}")


async def _decidable(connection: Connection, photo: Photo) -> list[str]:
    """The flags of a photo that can be decided on; raises NotFound, or Conflict if it was not measured."""
    cursor = await connection.execute(_PHOTO, _key(photo))
    found = await cursor.fetchone()
    if found is None:
        raise NotFound(f"there is no image {photo[1]} in a job {photo[0]}")
    outcome, flags = found
    if outcome is None:
        raise Conflict("the image has no result yet; there is nothing to decide on")
    if outcome != Outcome.MEASURED:
        raise Conflict(f"the image was not measured, it is {outcome}; it counts for nothing as it is")
    return [str(flag) for flag in flags]


async def _with_pair(
    connection: Connection, new: NewDecision, flags: Sequence[str], latest: Entry | None
) -> NewDecision:
    """The decision with the pair that it is about, if it says only that a copy is none."""
    if new.decision is not Decision.FLAG_WRONG or new.pair is not None:
        return new
    asked = PAIR_FLAGS if new.flag is None else {new.flag} & set(PAIR_FLAGS)
    if set(asked) & set(flags):
        match = await read_earlier(connection, new.photo)
        if match is not None:
            return replace(new, pair=match)
    # A request that comes again: its pair is kept apart by now.
    if latest is not None and latest.pair is not None:
        repeated = replace(new, pair=latest.pair)
        return repeated if repeated.is_said_by(latest) else new
    return new


async def _check_subject(connection: Connection, new: NewDecision, flags: Sequence[str]) -> None:
    if new.pair is not None:
        if new.decision is not Decision.FLAG_WRONG:
            raise InvalidRequest(
                f"pair: only {Decision.FLAG_WRONG} is about a pair; leave it out, or decide that"
            )
        if new.flag is not None and new.flag not in PAIR_FLAGS:
            raise InvalidRequest(
                f"flag: a pair is about {' or '.join(PAIR_FLAGS)}, not {new.flag}; leave one of the two out"
            )
        if new.pair == new.photo:
            raise InvalidRequest("pair: it is the photo itself; name the other one")
        cursor = await connection.execute(_EXISTS, new.pair)
        if await cursor.fetchone() is None:
            raise NotFound(f"pair: there is no image {new.pair[1]} in a job {new.pair[0]}")
        await check_pair(connection, new.photo, new.pair)
        return
    if new.decision is not Decision.FLAG_WRONG:
        return
    if new.flag is not None and new.flag not in flags:
        raise Conflict(f"flag: the photo is not flagged {new.flag}, but {', '.join(flags) or 'with nothing'}")
    if not flags:
        raise Conflict(
            "the photo is not flagged, so that no flag can be wrong; it can be accepted or rejected"
        )


def _check_revision(entries: Sequence[Entry], latest: Entry | None, revision: int | None) -> None:
    if revision is None and latest is not None:
        raise Conflict(f"{_described(latest)}: to replace that, name the revision {len(entries)}")
    if revision is not None and revision != len(entries):
        stands = "no decision stands" if latest is None else _described(latest)
        raise Conflict(f"revision: {stands} by now, and the revision is {len(entries)}, not {revision}")


def _described(entry: Entry) -> str:
    return f"{entry.decided_by} has decided {entry.decision}"


async def _show_standing(
    connection: Connection, photo: Photo, revision: int, *, standing_at: int | None
) -> None:
    await connection.execute(_SHOW_STANDING, {**_key(photo), "revision": revision, "standing": standing_at})


def _key(photo: Photo) -> dict[str, UUID | int]:
    return {"job_id": photo[0], "image_no": photo[1]}
