"""Toys that write down what they did, and can take their time.

They are told through the environment, so that the recipe, and with it every byte of the dataset, stays as it is.
"""

from __future__ import annotations

import os
import time

import pyarrow as pa

from contrafact.stages import Context
from tests.core.toys import Parity

CALLS, DELAY = "CONTRAFACT_TEST_CALLS", "CONTRAFACT_TEST_DELAY"


class Recorded(Parity):
    """Adds a line to the file named by ``CONTRAFACT_TEST_CALLS`` for every shard that it is asked for."""

    name = "recorded"

    def generate(self, units: pa.Table, context: Context) -> pa.Table:
        # One write of a few bytes to a file opened for appending is whole, also where the next thing is a kill.
        handle = os.open(os.environ[CALLS], os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        os.write(handle, f"{context.start}\n".encode())
        os.close(handle)
        time.sleep(float(os.environ.get(DELAY, "0")))
        return super().generate(units, context)
