"""The page of each problem, at the address that the `type` of a problem names."""

from litestar import MediaType, Response, get

from retailpulse.api.openapi.annotations import TEXT, ContentSpec, ResponseSpec, Tag, documented
from retailpulse.domain.errors import NotFound
from retailpulse.web.problem_kinds import BY_NAME, KINDS

_PAGE = ResponseSpec(
    meaning="The page.", contents=(ContentSpec(shape=str, media_type=TEXT, example=KINDS[0].page),)
)


@get(
    "/problems/{name:str}",
    operation_id="getProblem",
    summary="What a problem means",
    tags=[Tag.SERVICE],
    opt=documented(None, 404, answers={200: _PAGE}),
)
async def problem_page(name: str) -> Response[str]:
    """Explain a problem that an answer has named as its `type`."""
    kind = BY_NAME.get(name)
    if kind is None:
        raise NotFound(f"there is no problem {name[:100]}")
    return Response(kind.page, media_type=MediaType.TEXT)
