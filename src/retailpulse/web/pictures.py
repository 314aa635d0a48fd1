"""Pictures with scripts of their own, such as flame graphs: answered so that these can reach nothing."""

from litestar import Response

from retailpulse.domain.profiles import Profile

POLICY = "; ".join(
    (
        "sandbox allow-scripts",
        "default-src 'none'",
        "script-src 'unsafe-inline'",
        "style-src 'unsafe-inline'",
        "img-src data:",
        "frame-ancestors 'none'",
    )
)
"""Scripts run, as nobody: without this origin they have neither its cookies nor its answers."""


def answer_picture(profile: Profile) -> Response[bytes]:
    """A profile, for a browser or a file."""
    headers = {
        "Content-Security-Policy": POLICY,
        "Content-Disposition": f'inline; filename="{profile.file_name}"',
        "Cache-Control": "no-store",
    }
    return Response(profile.content, media_type=profile.media_type, headers=headers)
