"""The program that serves a GGUF file: llama.cpp's own OpenAI-style server, in a process of its own.

Started by :mod:`contrafact.engines.llm.local` as a script, so it imports nothing of ours. It prints one line of JSON
(``{"address": ...}`` or ``{"problem": ...}``) and serves until its standard input ends, which also happens when the
program that started it is killed.
"""

from __future__ import annotations

import json
import os
import sys
from typing import Any

__all__ = ["serve"]


def serve(options: dict[str, Any]) -> None:
    """Serve one model on a free port of the loopback interface until standard input ends.

    What makes an answer the same whatever else is being answered (measured, see docs/llm.md): no flash attention,
    whose kernels depend on what else is in the batch, and no re-use of a cached prompt, which moves where one batch of
    the prompt ends and the next begins. The number of threads and of slots then changes no bit.
    """
    import xllamacpp  # type: ignore[import-untyped]

    params = xllamacpp.CommonParams()
    params.model.path = options["path"]
    params.model_alias = {options["alias"]}
    params.n_parallel = options["slots"]
    params.n_ctx = options["slots"] * options["context"]
    params.cpuparams.n_threads = params.cpuparams_batch.n_threads = options["threads"]
    params.flash_attn_type = xllamacpp.llama_flash_attn_type.LLAMA_FLASH_ATTN_TYPE_DISABLED
    params.cache_prompt = False
    params.warmup = False
    params.verbosity = -1
    params.ui = params.endpoint_slots = False
    params.cors_origins = ""  # no page in a browser has any business here
    try:
        server = xllamacpp.Server(params)
    except RuntimeError as error:
        _say(problem=str(error))
        return
    _say(address=server.listening_address)
    sys.stdin.read()
    # Its destructor would first finish what is being generated.
    os._exit(0)


def _say(**what: str) -> None:
    sys.stdout.write(json.dumps(what) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    serve(json.loads(sys.argv[1]))
