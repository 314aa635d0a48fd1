"""The command `review`: the photos that wait for a person, and what is decided on one."""

from datetime import date, datetime
from typing import Any

import rich_click as click
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from retailpulse.cli.connection import with_client
from retailpulse.cli.console import output_console
from retailpulse.cli.exit_codes import Refusal
from retailpulse.cli.output import json_option
from retailpulse.cli.tables import Column, limit_options, print_json, show_list
from retailpulse.cli.terminal import printable
from retailpulse.cli.times import read_day, read_time
from retailpulse.cli.views import titled_table, when
from retailpulse.client import Client, Conflict, EarlierPhoto, Review, ReviewedPhoto, ReviewEntry
from retailpulse.domain.flags import Flag
from retailpulse.domain.reviews import Decision, ReviewState


def _match(earlier: EarlierPhoto | None) -> str:
    if earlier is None:
        return "-"
    return f"{earlier.job_id}:{earlier.image_no} {earlier.kind} {earlier.relation} {earlier.distance}"


COLUMNS: tuple[Column[ReviewedPhoto], ...] = (
    Column(title="JOB", width=36, text=lambda photo: photo.job_id),
    Column(title="IMAGE", width=7, text=lambda photo: str(photo.image_no), is_number=True),
    Column(title="STORE", width=12, text=lambda photo: photo.store_id),
    Column(title="VISIT", width=20, text=lambda photo: photo.visit_time),
    Column(title="FLAGS", width=14, text=lambda photo: ",".join(photo.flags) or "-"),
    Column(title="REVIEW", width=10, text=lambda photo: photo.review or "-"),
    Column(title="BY", width=8, text=lambda photo: photo.reviewed_by or "-"),
    Column(title="MATCHED WITH", width=62, text=lambda photo: _match(photo.matched)),
    Column(title="URL", width=3, text=lambda photo: photo.image_url),
)
_WORDS = {"accept": Decision.ACCEPTED, "reject": Decision.REJECTED, "flag-wrong": Decision.FLAG_WRONG}


def _read_pair(
    _context: click.Context, _option: click.Parameter, value: str | None
) -> tuple[str, int] | None:
    """Reads the other photo of a pair, as JOB:NO."""
    if value is None:
        return None
    job_id, colon, number = value.rpartition(":")
    if not (colon and job_id and number.isascii() and number.isdecimal()):
        raise click.BadParameter(f"{value!r} is not like 0198f0c2-6f3e-7cc1-a0d2-6a1f0f6f2b11:7")
    return job_id, int(number)


@click.command()
@click.argument("job_id", metavar="[JOB", required=False)
@click.argument("image_no", metavar="IMAGE", type=click.IntRange(min=1), required=False)
@click.argument("decision", metavar="[DECISION]]", type=click.Choice([*_WORDS]), required=False)
@click.option("--reason", metavar="TEXT", help="Why: free words, kept with the decision.")
@click.option(
    "--pair",
    metavar="JOB:IMAGE",
    callback=_read_pair,
    help="With flag-wrong: the other photo; neither is a copy.  [default: what a copy is matched with]",
)
@click.option("--by", metavar="NAME", help="Who decides, at a service without API keys.  [default: local]")
@click.option("--undo", is_flag=True, help="Undo the decision that stands.")
@click.option(
    "--replace", is_flag=True, help="Also if another decision stands, or another person has decided."
)
@click.option(
    "--flag",
    type=click.Choice([str(flag) for flag in Flag]),
    multiple=True,
    help="Only photos with this flag; may be repeated. Of a decision: the flag that it is about.",
)
@click.option(
    "--decision",
    "state",
    type=click.Choice([str(state) for state in ReviewState]),
    help="Only photos on which this decision stands.  [default: undecided]",
)
@click.option("--area", multiple=True, metavar="CODE", help="Only of this area; may be repeated.")
@click.option("--store-id", multiple=True, metavar="ID", help="Only of this store; may be repeated.")
@click.option(
    "--since",
    metavar="TIME",
    callback=read_time,
    help="Only of jobs submitted then or later: a date, an RFC 3339 time, today, yesterday or 7d ago.",
)
@click.option(
    "--day",
    metavar="DAY",
    callback=read_day,
    help="Only photos measured on this day, in UTC: a date, today, yesterday or 7d (days ago).",
)
@limit_options
@json_option
@with_client
def review(
    client: Client,
    job_id: str | None,
    image_no: int | None,
    decision: str | None,
    flag: tuple[str, ...],
    as_json: bool,
    **options: Any,
) -> None:
    """List the photos that wait for a decision; or decide on one; or show what was decided on it.

    By itself it lists copies of photos of other stores, and photos flagged far_from_store, time_mismatch,
    stale or blank; others with --flag, such as all copies with --flag copy.
    The DECISION is accept (it counts), reject (it does not count for its visit) or flag-wrong.

    \b
    Examples:
      retailpulse review
      retailpulse review --area 7100015 --flag blurred
      retailpulse review 0198f0c2-6f3e-7cc1-a0d2-6a1f0f6f2b11 7 reject --reason "a wall" --by anna
      retailpulse review 0198f0c2-6f3e-7cc1-a0d2-6a1f0f6f2b11 7 flag-wrong --flag blank
      retailpulse review 0198f0c2-6f3e-7cc1-a0d2-6a1f0f6f2b11 7 --undo
      retailpulse review 0198f0c2-6f3e-7cc1-a0d2-6a1f0f6f2b11 7
      retailpulse review --decision rejected --all --json
    """
    if job_id is None:
        _list(client, flag, as_json, **options)
        return
    if image_no is None:
        raise click.UsageError("Missing argument 'IMAGE': the number of the photo in the job.")
    done = _reviewed(client, job_id, image_no, decision, flag, **options)
    if as_json:
        print_json(done)
    else:
        output_console().print(review_view(done))


def _list(
    client: Client,
    flag: tuple[str, ...],
    as_json: bool,
    *,
    state: str | None,
    area: tuple[str, ...],
    store_id: tuple[str, ...],
    since: str | datetime | None,
    day: date | None,
    limit: int,
    is_all: bool,
    **of_decision: Any,
) -> None:
    if any(of_decision.values()):
        raise click.UsageError("A decision is about one photo: name its JOB and IMAGE.")
    wanted: dict[str, Any] = {
        "decision": state,
        "flag": flag,
        "area": area,
        "store_id": store_id,
        "since": since,
        "day": day,
    }

    def say_more() -> str:
        count = client.review_count(**wanted)
        number = f"{count.left:,}" if count.counted_all else f"more than {max(count.left, limit):,}"
        words = "wait" if state in {None, ReviewState.UNDECIDED} else f"are {state}"
        return f"{number} {words}"

    found = client.review_queue(**wanted)
    show_list(found, COLUMNS, as_json=as_json, limit=limit, is_all=is_all, say_more=say_more)


def _reviewed(
    client: Client,
    job_id: str,
    image_no: int,
    decision: str | None,
    flag: tuple[str, ...],
    *,
    reason: str | None,
    pair: tuple[str, int] | None,
    by: str | None,
    undo: bool,
    replace: bool,
    **_: Any,
) -> Review:
    """The photo after what was asked of it."""
    if undo and decision is not None:
        raise click.UsageError("--undo stands without a DECISION.")
    if decision is None and (reason or pair or flag):
        raise click.UsageError(f"Missing argument 'DECISION': {', '.join(_WORDS)}.")
    if len(flag) > 1:
        raise click.UsageError("A decision is about one flag: name one --flag.")
    if decision is None and not undo:
        return client.review(job_id, image_no)
    revision = client.review(job_id, image_no).revision if replace else None
    try:
        if undo:
            return client.undo_review(job_id, image_no, by=by, revision=revision)
        word, about = _WORDS[str(decision)], next(iter(flag), None)
        return client.decide(
            job_id, image_no, word, reason=reason, flag=about, pair=pair, by=by, revision=revision
        )
    except Conflict as error:
        if "name the revision" not in str(error):
            raise
        done, verb = ("undone", "undoes") if undo else ("changed", "decides")
        said = str(error).partition(":")[0]
        raise Refusal(f"{said}; nothing was {done}, and --replace {verb} it all the same") from None


def review_view(photo: Review) -> RenderableType:
    """A photo with the decision that stands, and its history."""
    facts = Table.grid(padding=(0, 2))
    facts.add_row("job", Text(printable(photo.job_id)))
    facts.add_row("image", str(photo.image_no))
    facts.add_row("store", Text(printable(photo.store_id)))
    facts.add_row("visit", Text(printable(photo.visit_time)))
    facts.add_row("url", Text(printable(photo.image_url)))
    facts.add_row("flags", Text(printable(", ".join(photo.flags)) or "-"))
    if photo.matched is not None:
        facts.add_row("matched with", Text(printable(f"{photo.matched.job_id}:{photo.matched.image_no}")))
        facts.add_row("", Text(printable(_match_view(photo.matched))))
    facts.add_row("review", Text(printable(photo.review or "undecided"), style="bold"))
    if not photo.history:
        return facts
    table = titled_table("History", "", "decision", "about", "by", "when")
    table.add_column("reason", overflow="fold")
    for entry in photo.history:
        table.add_row(
            str(entry.revision),
            Text(printable(_decided(entry))),
            Text(printable(_subject(entry))),
            Text(printable(entry.by)),
            when(entry.at),
            Text(printable(entry.reason or "")),
        )
    return Group(facts, "", table)


def _match_view(earlier: EarlierPhoto) -> str:
    bits = f"{earlier.distance} of 256 bits differ"
    visit = f"store {earlier.store_id}, visit {earlier.visit_time or '-'}"
    return f"{earlier.kind}, {earlier.relation}, {bits}; {visit}"


def _decided(entry: ReviewEntry) -> str:
    return entry.decision if entry.undoes is None else f"{entry.decision} {entry.undoes}"


def _subject(entry: ReviewEntry) -> str:
    if entry.pair is not None:
        return f"{entry.pair.job_id}:{entry.pair.image_no}"
    return entry.flag or ""
