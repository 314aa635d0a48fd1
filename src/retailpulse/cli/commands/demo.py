"""`retailpulse demo`, the command: its options, its signals and its exit codes. What it does is `demo_run`'s.

That is imported when it runs: drawing photos is nothing that the other commands should wait for.
"""

import signal
from types import FrameType

import rich_click as click
from click.exceptions import Exit

from retailpulse.cli.console import output_console
from retailpulse.cli.exit_codes import INTERRUPTED, Terminated
from retailpulse.cli.terminal import echo

MIN_IMAGES = 20
"""Fewest images of a demo job: the bad ones and a few good ones."""


@click.command()
@click.option(
    "--images",
    type=click.IntRange(MIN_IMAGES, 200_000),
    default=2000,
    show_default=True,
    help="Number of images in the job.",
)
@click.option("--exit", "leave", is_flag=True, help="Exit when the job has ended; without it, keep serving.")
@click.option(
    "--port", type=click.IntRange(1, 65535), help="Port of the service. [default: 9090 if it is free]"
)
def demo(images: int, leave: bool, port: int | None) -> None:
    """Show the whole service at work on drawn shop photos, without any setup.

    Starts the service in a temporary folder, loads sample stores, submits a job that also has an unknown
    store, a missing photo, two incomplete photos and a text file, and photos that are blurred, dark, blank or
    used before, and shows the results. Everything is removed at the end. Exits with 0 if every number and
    every flag is as expected.

    \b
    Examples:
      retailpulse demo
      retailpulse demo --images 200 --exit
    """
    from retailpulse.cli.demo_run import perform
    from retailpulse.demo.stage import StageFailed, is_free, pick_port

    if port is not None and not is_free(port):
        raise click.BadParameter(f"port {port} of 127.0.0.1 is taken", param_hint="--port")
    for number in (signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(number) is not signal.SIG_IGN:  # nohup has the terminal's end ignored
            signal.signal(number, _terminate)
    console = output_console()
    try:
        raise Exit(perform(console, images=images, port=pick_port(port), leave=leave))
    except StageFailed as failure:
        echo(f"The service ended. The last lines of its log:\n{failure}", err=True)
        raise Exit(1) from None
    except KeyboardInterrupt:
        raise Exit(INTERRUPTED) from None
    except Terminated:
        raise Exit(128 + signal.SIGTERM) from None


def _terminate(_number: int, _frame: FrameType | None) -> None:
    raise Terminated
