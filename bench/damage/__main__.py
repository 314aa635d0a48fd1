"""`python -m bench.damage`: two tables in Markdown, what is found and what the search costs."""

import rich_click as click

from bench.damage import cost, recall
from bench.damage.kinds import KINDS, SIZES

_COST_SIZES = ((1280, 960), (4000, 3000))


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--only", default="", help="Kinds to take, by a part of their names, with commas between.")
@click.option(
    "--times", type=click.IntRange(1, 1000), default=5, show_default=True, help="Holes in each file."
)
@click.option(
    "--turns", type=click.IntRange(1, 1000), default=15, show_default=True, help="Turns of a decode."
)
@click.option("--part", type=click.Choice(["recall", "cost", "both"]), default="both", show_default=True)
def main(only: str, times: int, turns: int, part: str) -> None:
    """Zero parts of files that it draws, and print how many are found; then, what the search costs."""
    wanted = [name.strip().lower() for name in only.split(",")]
    kinds = [kind for kind in KINDS if any(name in kind.name.lower() for name in wanted)]
    if part != "cost":
        print(recall.HEAD, flush=True)
        for kind in kinds:
            print(recall.row(recall.measure(kind, SIZES, times)), flush=True)
    if part != "recall":
        print(f"\n{cost.HEAD}", flush=True)
        for kind in kinds:
            for width, height in _COST_SIZES:
                print(cost.row(kind, width, height, turns), flush=True)


if __name__ == "__main__":
    main()
