"""Serves Swagger UI. A browser that shows it asks no other host: the page's policy forbids it."""

from typing import Annotated, Any

from litestar import Request, Response, get
from litestar.params import Parameter

from retailpulse.api.docs.files import DocsFiles
from retailpulse.api.openapi.annotations import HTML, ContentSpec, ResponseSpec, Tag, documented
from retailpulse.domain.errors import NotFound

POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self' 'unsafe-inline'",  # it writes styles as it draws
        "img-src 'self' data:",
        "connect-src 'self'",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
    )
)
_PAGE_HEADERS = {"Content-Security-Policy": POLICY, "Cache-Control": "no-cache"}
_KEPT = "public, max-age=31536000, immutable"


@get(
    "/docs",
    operation_id="getDocs",
    summary="This API in Swagger UI",
    tags=[Tag.SERVICE],
    opt=documented(
        answers={
            200: ResponseSpec(
                meaning="The page.",
                contents=(ContentSpec(shape=str, media_type=HTML, example="<!doctype html>"),),
            )
        }
    ),
    sync_to_thread=True,
)
def swagger(docs_files: DocsFiles) -> Response[bytes]:
    """A page for browsers on which every operation can be tried."""
    return Response(docs_files.page("swagger.html"), media_type=HTML, headers=_PAGE_HEADERS)


@get("/docs/files/{name:str}", include_in_schema=False, sync_to_thread=True)
def file(
    request: Request[Any, Any, Any],
    docs_files: DocsFiles,
    name: str,
    v: Annotated[str, Parameter(description="The version of the files that is asked for.")] = "",
) -> Response[bytes]:
    """A file of the page; one that is asked for with its version may be kept for ever."""
    found = docs_files.files.get(name)
    if found is None:
        raise NotFound(f"there is no file {name[:100]!r}")
    takes_gzip = "gzip" in request.headers.get("accept-encoding", "")
    headers = {
        "Cache-Control": _KEPT if v == docs_files.version else "no-cache",
        "Vary": "Accept-Encoding",
        "X-Content-Type-Options": "nosniff",
    }
    if takes_gzip:
        headers["Content-Encoding"] = "gzip"
    content = found.gzipped if takes_gzip else found.content
    return Response(content, media_type=found.media_type, headers=headers)
