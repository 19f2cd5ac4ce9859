"""The process of a server that a build starts for itself: ``python -m flows.serverprocess PORT PARENT``.

It ends with the build, also where the build is killed and can end nothing itself.
"""

from __future__ import annotations

import ctypes
import os
import signal
import sys

__all__ = ["main"]

_PARENT_DEATH = 1  # PR_SET_PDEATHSIG


def main() -> None:
    """Serve Prefect's API on 127.0.0.1."""
    port, parent = int(sys.argv[1]), int(sys.argv[2])
    prctl = getattr(ctypes.CDLL(None), "prctl", None)
    if prctl is not None:
        prctl(_PARENT_DEATH, signal.SIGTERM, 0, 0, 0)
    if os.getppid() != parent:  # it was gone before it could be asked for
        return
    import uvicorn

    uvicorn.run(
        "prefect.server.api.server:create_app",
        factory=True,
        host="127.0.0.1",
        port=port,
        log_level="error",
        lifespan="on",
    )


if __name__ == "__main__":
    main()
