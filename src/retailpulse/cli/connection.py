"""The HTTP of the client commands: one method per request, answers as data, errors as exit codes.

Exit code 1: the service refused the request. Exit code 3: it cannot be reached or cannot work now, so the
same command may succeed later.
"""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from types import TracebackType
from typing import Any, Self, TypeVar
from urllib.parse import quote

import httpx
import msgspec
import rich_click as click

from retailpulse.cli.answers import Imported, Job, Page, Refusal, Row, Submitted

Answer = TypeVar("Answer")

_AWAY = frozenset({502, 503, 504})
_CONNECT_SECONDS = 5.0
_ANSWER_SECONDS = 60.0
_IMPORT_SECONDS = 3600.0  # millions of stores are loaded before the answer comes
_LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})


class Refused(click.ClickException):
    """The service understood the request and said no."""

    exit_code = 1


class Unreachable(click.ClickException):
    """The service cannot be reached, or it cannot work now; trying again later may help."""

    exit_code = 3


class Service:
    """A running service, spoken to over HTTP; use it as a context."""

    def __init__(self, url: str) -> None:
        self.url = url.rstrip("/")
        # A proxy for the outside must not be asked for this very machine.
        local = httpx.URL(url).host in _LOOPBACK
        timeout = httpx.Timeout(_ANSWER_SECONDS, connect=_CONNECT_SECONDS)
        self._http = httpx.Client(base_url=self.url, timeout=timeout, trust_env=not local)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._http.close()

    def submit(self, body: bytes) -> str:
        """Submit a job and return its id."""
        response = self._send(
            "POST", "/api/submit", content=body, headers={"Content-Type": "application/json"}
        )
        return self._read(response, Submitted).job_id

    def job(self, job_id: str) -> Job:
        """Where the job stands."""
        return self._read(self._send("GET", _job_path(job_id)), Job)

    def job_text(self, job_id: str) -> str:
        """Where the job stands, word for word as the service says it: JSON."""
        response = self._send("GET", _job_path(job_id))
        self._read(response, Job)
        return response.text

    def page(self, job_id: str, *, following: str | None, limit: int) -> Page:
        """Some results of the job: the first, or those that the `next` of another page leads to."""
        path = following or f"{_job_path(job_id)}/results?format=json&limit={limit}"
        return self._read(self._send("GET", path), Page)

    @contextmanager
    def results(self, job_id: str, file_format: str) -> Iterator[Iterator[bytes]]:
        """All results of the job as CSV or NDJSON, in pieces as they come."""
        path = f"{_job_path(job_id)}/results"
        try:
            with self._http.stream("GET", path, params={"format": file_format}) as response:
                if response.status_code != httpx.codes.OK:
                    response.read()
                    raise self._refusal(response)
                yield response.iter_bytes()
        except httpx.HTTPError as error:
            raise self._unreachable(error) from error

    def rows(self, job_id: str) -> Iterator[Row]:
        """All results of the job, one by one."""
        rest = b""
        with self.results(job_id, "ndjson") as pieces:
            for piece in pieces:
                *lines, rest = (rest + piece).split(b"\n")
                yield from (msgspec.json.decode(line, type=Row) for line in lines if line)

    def import_stores(
        self, content: Iterable[bytes], *, size_bytes: int | None, good_lines: bool
    ) -> Imported:
        """Load a store master; a file with bad lines is an answer too, not an error."""
        headers = {"Content-Type": "text/csv"}
        if size_bytes is not None:
            headers["Content-Length"] = str(size_bytes)
        response = self._send(
            "PUT",
            "/api/v1/stores",
            params={"good_lines": "true"} if good_lines else {},
            content=content,
            headers=headers,
            timeout=httpx.Timeout(_IMPORT_SECONDS, connect=_CONNECT_SECONDS),
        )
        return self._read(response, Imported, also=httpx.codes.UNPROCESSABLE_ENTITY)

    def _send(self, method: str, path: str, **parts: Any) -> httpx.Response:
        try:
            return self._http.request(method, path, **parts)
        except httpx.HTTPError as error:
            raise self._unreachable(error) from error

    def _read(self, response: httpx.Response, kind: type[Answer], *, also: int = 200) -> Answer:
        if not response.is_success and response.status_code != also:
            raise self._refusal(response)
        try:
            return msgspec.json.decode(response.content, type=kind)
        except msgspec.MsgspecError as error:
            raise Refused(f"{self.url} does not answer like Retail Pulse: {error}") from error

    def _refusal(self, response: httpx.Response) -> click.ClickException:
        reason = ""
        with suppress(msgspec.MsgspecError):
            said = msgspec.json.decode(response.content, type=Refusal)
            reason = said.detail or said.error
        if not reason:
            reason = f"{self.url} answered {response.status_code} {response.reason_phrase}"
        if response.status_code not in _AWAY:
            return Refused(reason)
        wait = response.headers.get("Retry-After", "")
        return Unreachable(f"{reason}; try again in {wait} s" if wait.isdigit() else reason)

    def _unreachable(self, error: httpx.HTTPError) -> Unreachable:
        reason = str(error) or type(error).__name__
        if isinstance(error, httpx.ConnectError | httpx.ConnectTimeout):
            hint = "Start it with `retailpulse serve`, or say where it is with --url or RETAILPULSE_URL."
            return Unreachable(f"The service at {self.url} cannot be reached: {reason}. {hint}")
        return Unreachable(f"The service at {self.url} broke off: {reason}.")


def service_url(_context: click.Context, _option: click.Parameter, value: str) -> str:
    """Check the --url of a command."""
    try:
        url = httpx.URL(value)
    except httpx.InvalidURL as error:
        raise click.BadParameter(str(error)) from error
    if url.scheme not in {"http", "https"} or not url.host:
        raise click.BadParameter(f"{value!r} is not like http://127.0.0.1:9090")
    return value


url_option = click.option(
    "--url",
    envvar="RETAILPULSE_URL",
    default="http://127.0.0.1:9090",
    show_default=True,
    show_envvar=True,
    callback=service_url,
    help="Where the service is.",
)


def _job_path(job_id: str) -> str:
    return f"/api/v1/jobs/{quote(job_id, safe='')}"
