"""`python -m bench.truth`: tables in Markdown of what is flagged, which copies are found, and its cost."""

from pathlib import Path

import rich_click as click

from bench.truth import copies, cost, recall, upright
from bench.truth.photos import drawn, named, numbered, of_folder


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option(
    "--photos",
    "folder",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="A folder of photos of one's own, in place of drawn ones.",
)
@click.option(
    "--count", type=click.IntRange(1, 100_000), default=40, show_default=True, help="Photos at most."
)
@click.option(
    "--least", type=click.IntRange(0), default=0, help="Leave out photos with a shorter side under this."
)
@click.option(
    "--changed",
    type=click.IntRange(0),
    default=200,
    show_default=True,
    help="Photos that are handed in again.",
)
@click.option(
    "--turns", type=click.IntRange(1, 1000), default=15, show_default=True, help="Turns of a decode."
)
@click.option(
    "--part",
    type=click.Choice(["recall", "copies", "upright", "cost", "all"]),
    default="all",
    show_default=True,
)
def main(folder: Path | None, count: int, least: int, changed: int, turns: int, part: str) -> None:
    """Damage photos in ways that matter, and hand them in again; print what is flagged, found, and spent.

    \b
    Examples:
      python -m bench.truth
      python -m bench.truth --photos ~/audit-photos --least 1900 --part recall
    """
    if part in {"recall", "all"}:
        photos = drawn(count) if folder is None else of_folder(folder, count, least)
        print(recall.table(recall.measure(photos)), flush=True)
    if part in {"copies", "all"}:
        several = numbered(count) if folder is None else named(folder, count, least)
        print(copies.tables(copies.measure(several, changed)), flush=True)
    if part in {"upright", "all"}:
        found = upright.measure(folder, count)
        print("\n".join([upright.HEAD, *(each.row() for each in found)]), flush=True)
    if part in {"cost", "all"}:
        print(cost.HEAD, flush=True)
        for file in cost.files(folder):
            for row in cost.measure(file, turns).rows():
                print(row, flush=True)


if __name__ == "__main__":
    main()
