"""Every kind of problem that an answer may name: its name, its status, and the page about it.

The same pages stand in docs/problems.
"""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True, slots=True)
class ProblemKind:
    """One kind of problem; `meaning` and `remedy` are what its page says, in Markdown."""

    name: str
    status: int
    title: str
    meaning: str
    remedy: str

    @property
    def page(self) -> str:
        """The page about it, Markdown."""
        return (
            f"# {self.title}\n\n`type`: `/problems/{self.name}`, status {self.status}\n\n"
            f"{self.meaning}\n\n## What to do\n\n{self.remedy}\n"
        )


KINDS = (
    ProblemKind(
        name="invalid-request",
        status=400,
        title="Invalid request",
        meaning="A part of the request cannot be read or has a value that is not allowed. "
        "`detail` names the part and says why. Of a submit, `errors` lists the first hundred errors of "
        "its rows, each with `line` or `visit`, `column` and `reason`, and `error_count` counts all.",
        remedy="Change what `detail` and `errors` name. The same request will be refused again. A submit "
        "with `on_bad_row=skip` leaves out such rows.",
    ),
    ProblemKind(
        name="unauthenticated",
        status=401,
        title="No valid API key",
        meaning="This service needs an API key, and the request has none, or one that is unknown, revoked or "
        "expired. The answer does not say whether the path exists.",
        remedy="Send `Authorization: Bearer rp_...`. The operator makes a key with "
        "`retailpulse keys create`.",
    ),
    ProblemKind(
        name="forbidden",
        status=403,
        title="Not allowed",
        meaning="The API key is valid, but lacks the scope that the request needs; `detail` says which. Or a "
        "web page of another origin has tried to change something on a service that needs no key.",
        remedy="Use a key that has the scope: `submit` for jobs, `read` for everything that only reads, "
        "`review` for decisions on photos, `admin` for the rest; `admin` implies the others. "
        "The operator names the origins of pages that may use it with `RETAILPULSE_API_CORS_ORIGINS`.",
    ),
    ProblemKind(
        name="not-found",
        status=404,
        title="Not found",
        meaning="There is nothing at this path: no such job, store or endpoint. A job may have been deleted "
        "or pruned. Or the list has no page at this `cursor`; `detail` says which.",
        remedy="Check the path and the id in it. Follow the `next` of a page unchanged.",
    ),
    ProblemKind(
        name="method-not-allowed",
        status=405,
        title="Method not allowed",
        meaning="The path exists, but not for this method. The header `Allow` names those that it knows.",
        remedy="Use one of the methods in `Allow`.",
    ),
    ProblemKind(
        name="not-acceptable",
        status=406,
        title="Not available in this format",
        meaning="The answer cannot be given in the format that was asked for.",
        remedy="Ask for one of the formats that `detail` names, or do what it says to have this one.",
    ),
    ProblemKind(
        name="request-timeout",
        status=408,
        title="The request came too slowly",
        meaning="The body of the request did not arrive in time. Nothing was kept.",
        remedy="Send it again over a faster connection, or in smaller parts. The operator sets the "
        "time with `RETAILPULSE_API_BODY_SECONDS`.",
    ),
    ProblemKind(
        name="conflict",
        status=409,
        title="Conflict",
        meaning="The request contradicts what is already there: the state of a job, or an earlier request "
        "with the same `Idempotency-Key`.",
        remedy="Look at the current state, then decide. The same request is refused until that changes.",
    ),
    ProblemKind(
        name="too-large",
        status=413,
        title="Too large",
        meaning="The body, or the number of images in it, is over a limit of this service.",
        remedy="Send it in several parts.",
    ),
    ProblemKind(
        name="unsupported-media-type",
        status=415,
        title="Unsupported media type",
        meaning="The body has a type or an encoding that this path does not read.",
        remedy="Use one of the types that the documents name for this path.",
    ),
    ProblemKind(
        name="unprocessable",
        status=422,
        title="Cannot be processed",
        meaning="The request is well-formed, but its content is wrong, such as lines of a file. Nothing of "
        "it was kept.",
        remedy="Correct what the answer names, and send it again.",
    ),
    ProblemKind(
        name="too-many-requests",
        status=429,
        title="Too many requests",
        meaning="This key, or this address, has asked more often than it may. The headers `RateLimit-Limit`, "
        "`RateLimit-Remaining` and `RateLimit-Reset` say how often it may.",
        remedy="Wait for as many seconds as `Retry-After` says, then go on more slowly.",
    ),
    ProblemKind(
        name="internal-error",
        status=500,
        title="Unexpected error",
        meaning="The service met an unexpected error. Its log says more.",
        remedy="Tell the operator. Trying again may help.",
    ),
    ProblemKind(
        name="unavailable",
        status=503,
        title="Not available now",
        meaning="The service cannot take the request now: its database is away, or it has as much work as it "
        "takes. Nothing was kept, unless `detail` says that the database was lost during the commit: then "
        "it may have been kept, or not.",
        remedy="Send the same request again after as many seconds as `Retry-After` says. With an "
        "`Idempotency-Key` a submit cannot make a second job, whether the first was kept or not; the Python "
        "client and the command line always send one.",
    ),
)
"""Every problem that an answer may name; the names are part of the API and never change."""

BY_NAME = {kind.name: kind for kind in KINDS}
_BY_STATUS = {kind.status: kind for kind in KINDS}
UNAVAILABLE = BY_NAME["unavailable"]


def kind_of(status: int) -> ProblemKind:
    """The kind of problem that a status stands for."""
    return _BY_STATUS.get(status) or _BY_STATUS[500 if status >= 500 else 400]
