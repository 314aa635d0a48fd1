"""Makes few large pieces of what comes in many small ones."""

from collections.abc import AsyncIterator


async def rechunked(pieces: AsyncIterator[bytes], least_bytes: int) -> AsyncIterator[bytes]:
    """The same bytes in pieces of at least `least_bytes`, but for the last one."""
    parts: list[bytes] = []
    size_bytes = 0
    async for piece in pieces:
        parts.append(piece)
        size_bytes += len(piece)
        if size_bytes >= least_bytes:
            yield b"".join(parts)
            parts, size_bytes = [], 0
    if parts:
        yield b"".join(parts)
