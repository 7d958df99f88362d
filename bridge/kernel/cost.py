"""What a choice of model costs, said before anything is downloaded. Pure."""

from __future__ import annotations

from .catalogue import size_of
from .fit import Machine, choose, judge


def describe_download(model: str, machine: Machine, *, lanes: int, num_ctx: int, install_bytes: int = 0) -> str:
    """What is downloaded for `model`, and what `auto` would take instead, with its size and speed here.

    `install_bytes`: of Ollama itself; 0: it is there.
    """
    size = size_of(model)
    amounts = [f"{install_bytes / 1e9:.1f} GB of Ollama"] if install_bytes else []
    amounts.append(f"{size.weights_bytes / 1e9:.1f} GB of {model}" if size else f"{model} (its size is not known)")
    text = f"To download: {' and '.join(amounts)}."
    taken = choose(machine, lanes=lanes, num_ctx=num_ctx)
    if taken == model:
        return text
    theirs, fit = size_of(taken), judge(taken, machine, lanes=lanes, num_ctx=num_ctx)
    text += f" `auto` would take {taken}"
    facts = [f"{theirs.weights_bytes / 1e9:.1f} GB"] if theirs else []
    if fit.tokens_s:
        low, high = fit.tokens_s
        facts.append(f"{low:.0f} to {high:.0f} tokens a second")
    return f"{text}: {', '.join(facts)}." if facts else f"{text}."
