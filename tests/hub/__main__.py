"""``python -m tests.hub``: the loopback hub by hand, until Ctrl-C."""

from __future__ import annotations

import argparse
import contextlib
import tempfile
import threading
from pathlib import Path

from tests.hub.server import GROUP, USER, LoopbackHub


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.hub", description="A hub on this machine, to try pushing.")
    parser.add_argument("--port", type=int, default=8765)
    parser.add_argument("--folder", type=Path, help="Where it keeps files; a temporary folder unless given.")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch, LoopbackHub(asked.folder or Path(scratch), port=asked.port) as hub:
        print(f"A hub on {hub.url}, for the names {USER} and {GROUP}. In another terminal:\n")  # noqa: T201
        print(f"  export HF_ENDPOINT={hub.url} HF_TOKEN={hub.token} HF_HUB_DISABLE_XET=1")  # noqa: T201
        print(f"  contrafact push outputs/quickstart {USER}/quickstart\n\nCtrl-C ends it.", flush=True)  # noqa: T201
        with contextlib.suppress(KeyboardInterrupt):
            threading.Event().wait()


if __name__ == "__main__":
    main()
