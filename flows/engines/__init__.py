"""Where shards are worked on: threads of this process, processes of this machine, or a Dask or Ray cluster.

::

    threads     build ─► Prefect tasks in threads ─► the step itself
    processes   build ─► Prefect tasks in threads ─► a process each ─► the step
    dask, ray   build ─► Prefect tasks on the cluster's workers ─► the step

The bytes are the same wherever they are made. Importing this imports neither Prefect nor a cluster's package.
"""

from __future__ import annotations

from flows.engines.choosing import ENGINES, Engine, Processes, Threads, check_engine, open_engine

__all__ = ["ENGINES", "Engine", "Processes", "Threads", "check_engine", "open_engine"]
