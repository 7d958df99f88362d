"""The process that llama.cpp runs in: loads a file, says on which port it serves it, and ends with its parent.

The first line of standard input is the plan, as JSON with the key; standard output says `url` or `error`, as JSON.
"""

from __future__ import annotations

import json
import os
import sys
from typing import IO


def _serve(lines: IO[str], out: IO[str]) -> None:
    """The child: load, say where, and stay until the parent closes the pipe or dies."""
    plan = json.loads(lines.readline())
    import xllamacpp

    params = xllamacpp.CommonParams()
    params.model.path = plan["gguf"]
    params.hostnames = ["127.0.0.1"]
    params.port = 0
    params.api_keys = [plan["key"]]
    params.n_parallel = plan["lanes"]
    params.n_ctx = plan["num_ctx"] * plan["lanes"]  # llama.cpp divides it among the slots
    params.kv_unified = False
    params.ctx_shift = False  # an over-long prompt is an error
    params.n_gpu_layers = plan["gpu_layers"]
    params.cpuparams.n_threads = params.cpuparams_batch.n_threads = plan["threads"]
    params.force_pure_content_parser = True
    params.offline = True
    params.warmup = False
    if plan["yarn_from"]:
        params.rope_scaling_type = xllamacpp.llama_rope_scaling_type.LLAMA_ROPE_SCALING_TYPE_YARN
        params.yarn_orig_ctx = plan["yarn_from"]
        params.rope_freq_scale = plan["yarn_from"] / max(plan["num_ctx"], plan["yarn_from"])
    if plan["embeddings"]:
        params.embedding = True
        params.pooling_type = xllamacpp.llama_pooling_type.LLAMA_POOLING_TYPE_MEAN
    try:
        server = xllamacpp.Server(params)
    except RuntimeError as error:
        out.write(json.dumps({"error": str(error) or "no reason given"}) + "\n")
        out.flush()
        return
    out.write(json.dumps({"url": server.listening_address}) + "\n")
    out.flush()
    lines.read()
    os._exit(0)  # without taking the server apart: that waits for its threads, now and then for ever


if __name__ == "__main__":
    # llama.cpp prints to fd 1; the parent reads only what we say on a copy of it.
    with os.fdopen(os.dup(1), "w") as said:
        os.dup2(2, 1)
        _serve(sys.stdin, said)
