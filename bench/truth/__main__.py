"""`python -m bench.truth`: two tables in Markdown, which damage is flagged and what each analyzer costs."""

from pathlib import Path

import rich_click as click

from bench.truth import cost, recall
from bench.truth.photos import drawn, of_folder


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
    "--turns", type=click.IntRange(1, 1000), default=15, show_default=True, help="Turns of a decode."
)
@click.option("--part", type=click.Choice(["recall", "cost", "both"]), default="both", show_default=True)
def main(folder: Path | None, count: int, least: int, turns: int, part: str) -> None:
    """Damage photos in ways that matter, and print how many of each are flagged; then, what analyzers cost.

    \b
    Examples:
      python -m bench.truth
      python -m bench.truth --photos ~/audit-photos --least 1900 --part recall
    """
    if part != "cost":
        photos = drawn(count) if folder is None else of_folder(folder, count, least)
        print(recall.table(photos), flush=True)
    if part != "recall":
        print(cost.HEAD, flush=True)
        for width, height in ((4032, 3024), (1280, 960)):
            for row in cost.rows(width, height, turns):
                print(row, flush=True)


if __name__ == "__main__":
    main()
