"""HTTP through libcurl on asyncio: one request and its answer, connections, bodies, codings, ranges."""
