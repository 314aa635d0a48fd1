"""The options of every command that uses a service, the client made from them, and its errors as texts.

Exit code 1: the service refused. 3: it cannot be reached or cannot work now, so that the same command may
succeed later.
"""

import functools
from collections.abc import Callable
from typing import Any, TypeVar

import rich_click as click

from retailpulse.cli.console import error_console
from retailpulse.cli.exit_codes import Refusal
from retailpulse.cli.invocation import invocation
from retailpulse.cli.option_words import in_options
from retailpulse.client import (
    BadInput,
    Client,
    ClientError,
    Refused,
    TooManyRequests,
    Unauthenticated,
    Unavailable,
    Unreachable,
)
from retailpulse.client.clients import DEFAULT_URL
from retailpulse.domain.images import Cause

T = TypeVar("T")

_NOT_OF_OURS = frozenset({404, 405, 501})
"""What another program may answer to a path or a method that it does not know."""

CAUSES = click.Choice([str(cause) for cause in Cause])
"""What `--cause` takes: a mistyped one is refused before any request, and shells complete it."""


def _check_url(_context: click.Context, _option: click.Parameter, value: str) -> str:
    try:
        Client(value).close()
    except BadInput as error:
        raise click.BadParameter(str(error)) from error
    return value


_url_option = click.option(
    "--url",
    envvar="RETAILPULSE_URL",
    default=DEFAULT_URL,
    show_default=True,
    show_envvar=True,
    callback=_check_url,
    help="Address of the service.",
)
_key_option = click.option(
    "--api-key",
    envvar="RETAILPULSE_API_KEY",
    show_envvar=True,
    help="API key, if the service needs one; other users may see it in the list of processes.",
)
_patience_option = click.option(
    "--patience",
    type=click.FloatRange(min=0),
    default=30.0,
    show_default=True,
    metavar="SECONDS",
    help="How long to wait for a service that is away.",
)


def with_client(command: Callable[..., T]) -> Callable[..., T]:
    """Gives a command the options of the connection, and a client by them as its first argument."""

    @_patience_option
    @_key_option
    @_url_option
    @functools.wraps(command)
    def run(*args: Any, url: str, api_key: str | None, patience: float, **kwargs: Any) -> T:
        with Client(
            url,
            api_key=api_key,
            patience_seconds=patience,
            first_contact_seconds=0,  # a wrong address is better told at once
            on_outage=_OutageNotice(patience).show_once,
        ) as client:
            try:
                return command(client, *args, **kwargs)
            except ClientError as error:
                raise as_click_error(error) from error

    return run


class Away(click.ClickException):
    """The service cannot be reached, or it cannot work now; trying again later may help."""

    exit_code = 3


def as_click_error(error: ClientError) -> click.ClickException:
    """The text for people of an error of the client, with what to do about it."""
    text = in_options(str(error))
    if isinstance(error, Unreachable):
        return Away(f"{text}." if error.was_sent else f"{text}. {_where_to_find_it(text)}")
    if isinstance(error, Unavailable | TooManyRequests):
        wait = error.retry_after_seconds
        return Away(text if wait is None else f"{text}; try again in {wait:g} s")
    if isinstance(error, Unauthenticated):
        said = text.partition("; send ")[0]  # the rest is for programs
        return Refusal(
            f"{said}. Give a key with --api-key or RETAILPULSE_API_KEY; on the machine of the service, "
            f"`{invocation()} keys create` makes one."
        )
    if isinstance(error, Refused) and error.status in _NOT_OF_OURS and _is_no_answer_of_ours(error):
        return Refusal(f"{text}. Does --url lead to Retail Pulse? It is an address such as {DEFAULT_URL}.")
    return Refusal(text)


def _is_no_answer_of_ours(error: Refused) -> bool:
    """Whether another program answered, or the URL has a path too much."""
    return not error.type or (error.type.endswith("/not-found") and "nothing at /" in str(error))


def _where_to_find_it(text: str) -> str:
    """What to do about a service that was not found."""
    if "wrong version number" in text:  # how TLS sees an answer in plain HTTP
        return "It may speak plain HTTP: try --url http://..."
    return f"Start it with `{invocation()} serve`, or name its address with --url or RETAILPULSE_URL."


class _OutageNotice:
    """Says once that the service is away."""

    def __init__(self, patience_seconds: float) -> None:
        self._patience_seconds = patience_seconds
        self._is_shown = False

    def show_once(self, error: ClientError) -> None:
        """Print the error, unless it was printed before."""
        if not self._is_shown:
            self._is_shown = True
            error_console().print(f"{error}. Trying again for {self._patience_seconds:g} s.", markup=False)


def read_labels(
    _context: click.Context, _option: click.Parameter, values: tuple[str, ...]
) -> dict[str, list[str]]:
    """Reads labels as they are written on a command line, region=north; a name may have several values."""
    labels: dict[str, list[str]] = {}
    for value in values:
        name, equals, text = value.partition("=")
        if not equals:
            raise click.BadParameter(f"{value!r} is not like region=north")
        labels.setdefault(name, []).append(text)
    return labels


def read_label(context: click.Context, option: click.Parameter, values: tuple[str, ...]) -> dict[str, str]:
    """Reads labels with one value each."""
    labels = read_labels(context, option, values)
    for name, texts in labels.items():
        if len(texts) > 1:
            raise click.BadParameter(f"the label {name!r} is given {len(texts)} times")
    return {name: texts[0] for name, texts in labels.items()}
