"""Prints what a request has passed when it reaches the framework, if PYTHONPATH names this folder.

The innermost application looks at its callers: each one that has a `scope`, a `receive` or a `send` is named.
"""

import sys
from types import FrameType

MARK = "passed: "


def _trace() -> None:
    from litestar import Litestar

    call = Litestar.__call__

    async def traced(self, scope, receive, send):  # type: ignore[no-untyped-def]
        passed = ["Litestar"]
        frame: FrameType | None = sys._getframe(1)
        while frame is not None:
            if {"scope", "ends"} & set(frame.f_code.co_varnames):
                passed.append(frame.f_code.co_qualname.partition(".")[0])
            frame = frame.f_back
        print(MARK, *dict.fromkeys(reversed(passed)), file=sys.stderr, flush=True)
        await call(self, scope, receive, send)

    Litestar.__call__ = traced  # type: ignore[method-assign]


if "api" in sys.orig_argv:
    _trace()
