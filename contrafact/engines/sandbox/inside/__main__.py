"""Start of the sandbox's own process: give up what privileges there are, then serve jobs until there are no more.

``python harness RESULTS_FD OPTIONS``, the options as JSON: ``uid`` to become (or null), whether it is ``isolated``, the
``scratch`` folder of programs, and whether processes are ``counted`` for this sandbox alone. Jobs come on standard
input.
"""

from __future__ import annotations

import json
import signal
import sys

from contrafact.engines.sandbox.inside.cleaning import Place
from contrafact.engines.sandbox.inside.privileges import drop, unseen
from contrafact.engines.sandbox.inside.supervisor import Supervisor


def main() -> None:
    """Serve."""
    options = json.loads(sys.argv[2])
    own = drop(options["uid"])
    unseen(isolated=options["isolated"])
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the first process of a sandbox gets only signals that it handles
    place = Place(options["scratch"], isolated=options["isolated"], counted=options["counted"] and own)
    Supervisor(0, int(sys.argv[1]), place).serve()


if __name__ == "__main__":
    main()
