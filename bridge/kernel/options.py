"""The options of Ollama, checked before anything is sent."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .error_kind import ErrorKind, OllamaError

#: Every option that Ollama reads, with its type (api/types.go, Options and Runner). A wrong type is an HTTP 500 there
#: and an unknown name only a line in its log, so both are refused here.
OLLAMA_OPTIONS: Mapping[str, type] = {
    **dict.fromkeys(
        ("num_keep", "seed", "num_predict", "top_k", "repeat_last_n", "num_ctx", "num_batch", "num_gpu", "main_gpu", "num_thread"),
        int,
    ),
    **dict.fromkeys(
        ("top_p", "min_p", "typical_p", "temperature", "repeat_penalty", "presence_penalty", "frequency_penalty"), float
    ),
    "stop": list,
    "use_mmap": bool,
}  # fmt: skip


def check_options(options: Mapping[str, Any]) -> None:
    """Refuse what Ollama would ignore or answer with a 500.

    Raises:
        OllamaError: BAD_REQUEST, naming the option.
    """
    for name, value in options.items():
        wanted = OLLAMA_OPTIONS.get(name)
        if wanted is None:
            raise OllamaError(
                ErrorKind.BAD_REQUEST, f"unknown option {name!r}; known are {', '.join(sorted(OLLAMA_OPTIONS))}"
            )
        fits = isinstance(value, (int, float) if wanted is float else wanted)
        if not fits or (isinstance(value, bool) and wanted is not bool):
            raise OllamaError(
                ErrorKind.BAD_REQUEST, f"option {name!r} must be of type {wanted.__name__}, not {value!r}"
            )
