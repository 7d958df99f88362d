"""Whether a model fits this machine, said before anything is downloaded; and so which model a job gets. Pure.

All of it is arithmetic, not measurement: nobody has published tokens a second of these models on one T4 (facts, section 8).
Memory follows all parameters and the KV cache, which grows with lanes x context (fact 9.5); speed follows the parameters that a
token reads, which in a mixture of experts are few.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import Enum

from .catalogue import CATALOGUE, SIZES, ModelSize, size_of

GIB = 1 << 30
#: In place of a model's name: the largest that fits.
AUTO = "auto"

#: Models that an Ollama on this machine only passes on to ollama.com; their tags end so (docs.ollama.com/cloud).
_CLOUD = re.compile(r"[:-]cloud$")


#: More than this many lanes are not taken unasked.
MOST_LANES = 4

#: Graph buffers and CUDA's own memory: EST, a fixed part and one for each lane (Qwen's 152,000 words x 512 x 4 bytes).
BASE_OVERHEAD_BYTES = GIB
LANE_OVERHEAD_BYTES = GIB // 4
#: A T4 says 15,360 MiB and gives about 14.7 GiB (facts 5.4, 6.8).
USABLE_VRAM = 0.98
#: RAM that the notebook itself needs.
KEPT_RAM_BYTES = 2 * GIB

#: GB/s of memory, by a word in nvidia-smi's name. T4: fact 5.4; the others: NVIDIA's data sheets.
BANDWIDTH_GB_S: Mapping[str, float] = {"T4": 320, "L4": 300, "P100": 732, "V100": 900, "A100": 1555, "H100": 3350}
#: Which part of the bandwidth a generation reaches: gives 13-20 and 25-40 tokens/s for 14b and 7b on a T4, as fact 6.10 estimates.
REACHED = (0.37, 0.57)
#: The same for the 2 virtual cores of a Colab machine: EST; gives the 1 to 4 tokens/s of fact 6.9 for 32b.
CPU_GB_S = (8.0, 25.0)
#: Without a GPU, `auto` takes nothing that would write fewer tokens a second than this.
BEARABLE_TOKENS_S = 4.0
#: How much quicker another model has to be to be named, and how much of the weights it has to have.
MUCH_FASTER, NEARLY_AS_LARGE = 2.0, 0.7

#: Seconds that loading may take: of the smallest model, and of one with 20 GB; in between by size.
LOAD_S = (60.0, 180.0)
_LARGE_BYTES = 20e9


class FitVerdict(Enum):
    """How a model sits on a machine."""

    FITS = "fits"  # wholly on the GPU
    SPILLS = "spills"  # partly in RAM, so a few tokens a second
    CANNOT = "cannot run"  # not even with the RAM, or no room on the disk
    UNKNOWN = "unknown"  # a model whose size, or a machine whose memory we do not know


@dataclass(frozen=True, kw_only=True)
class Machine:
    """What there is. Zero VRAM: no GPU."""

    gpu: str = ""  #: nvidia-smi's name
    vram_bytes: int = 0
    ram_bytes: int = 0
    disk_bytes: int | None = None  #: free; None: not known

    @property
    def is_known(self) -> bool:
        """Whether its memory could be read at all."""
        return bool(self.vram_bytes or self.ram_bytes)


@dataclass(frozen=True, kw_only=True)
class Fit:
    """The verdict on one model with these lanes and this context, and what it stands on."""

    verdict: FitVerdict
    model: str
    needed_bytes: int = 0  #: weights, KV cache of all lanes, buffers
    spilled_bytes: int = 0  #: of these, what is not on the GPU
    tokens_s: tuple[float, float] | None = None  #: of one request: a pessimist's and an optimist's estimate
    instead: str | None = None  #: the largest model that fits whole with the same lanes and context
    lanes_instead: int | None = None  #: with this many lanes the model itself would fit whole
    faster: str | None = None  #: a model that spills too, but of which a token reads so little that it is much faster
    context_tokens: int | None = None  #: the longest text that the model reads; None: not known


def judge(model: str, machine: Machine, *, lanes: int, num_ctx: int) -> Fit:
    """How `model` sits on `machine` when `lanes` requests of `num_ctx` tokens run at the same time."""
    size = size_of(model)
    if size is None or not machine.is_known:
        return Fit(verdict=FitVerdict.UNKNOWN, model=model)
    needed = _needed(size, lanes, num_ctx)
    usable = int(machine.vram_bytes * USABLE_VRAM)
    spilled = max(0, needed - usable)
    no_disk = machine.disk_bytes is not None and machine.disk_bytes < size.weights_bytes
    if no_disk or spilled > max(0, machine.ram_bytes - KEPT_RAM_BYTES):
        verdict = FitVerdict.CANNOT
    else:
        verdict = FitVerdict.SPILLS if spilled else FitVerdict.FITS
    fewer = (n for n in range(lanes - 1, 0, -1) if _needed(size, n, num_ctx) <= usable)
    speed = None if verdict is FitVerdict.CANNOT else _speed(size, spilled, machine.gpu)
    return Fit(
        verdict=verdict,
        model=model,
        needed_bytes=needed,
        spilled_bytes=spilled,
        tokens_s=speed,
        instead=None if verdict is FitVerdict.FITS else _largest(machine, SIZES, lanes=lanes, num_ctx=num_ctx),
        lanes_instead=None if verdict is FitVerdict.FITS else next(fewer, None),
        faster=_faster(size, speed, machine, lanes=lanes, num_ctx=num_ctx) if spilled and speed else None,
        context_tokens=size.context_tokens,
    )


def is_cloud(name: str) -> bool:
    """Whether an Ollama has the model only by name, and sends prompts for it to ollama.com."""
    return bool(_CLOUD.search(name))


def listed_names(model: str) -> tuple[str, str]:
    """The names under which Ollama lists a model: a name without a tag means the tag `latest`."""
    return (model, f"{model}:latest")


def coder_sizes(models: Iterable[tuple[str, int]]) -> tuple[ModelSize, ...]:
    """What the coder models of an engine need, largest first; given as (name, bytes on its disk, 0 if not known)."""
    found = []
    for name, size_bytes in models:
        size = size_of(name) if "coder" in name.lower() and not is_cloud(name) else None
        if size:
            found.append(replace(size, name=name, weights_bytes=size_bytes or size.weights_bytes))
    return tuple(sorted(found, key=lambda size: -size.weights_bytes))


def model_of_job(wanted: str | None, *, default: str, auto: str | None) -> str:
    """The model that a job gets: the one it asks for; `auto` if it asks for that; else the default of whoever answers it."""
    if wanted == AUTO:
        return auto or default
    return wanted or default


def choose(machine: Machine, *, lanes: int, num_ctx: int, among: Sequence[ModelSize] = SIZES) -> str:
    """What `auto` means: the largest model that fits whole; without a GPU the largest that is bearable; else the smallest.

    `among`: what there is to choose from, largest first; by default all that can be fetched.
    """
    return _largest(machine, among, lanes=lanes, num_ctx=num_ctx) or among[-1].name


def lanes_for(model: str, machine: Machine, *, num_ctx: int) -> int:
    """How many lanes to take unasked: the most with which the model still fits whole on the GPU, else one."""
    counts = range(MOST_LANES, 1, -1)
    fits = (n for n in counts if judge(model, machine, lanes=n, num_ctx=num_ctx).verdict is FitVerdict.FITS)
    return next(fits, 1) if machine.vram_bytes else 1


def describe(fit: Fit, machine: Machine, *, lanes: int, num_ctx: int) -> str:
    """The verdict in words, with the numbers that it stands on and what to do instead."""
    setting = f"{lanes} lane{'s' if lanes > 1 else ''} of {num_ctx} tokens"
    if fit.verdict is FitVerdict.UNKNOWN:
        unknown = "its size" if machine.is_known else "the memory of this machine"
        return f"{fit.model}: {unknown} is not known here, so whether it fits shows only when it is loaded."
    where = (
        f"{machine.gpu or 'the GPU'} has {_gib(machine.vram_bytes)}"
        if machine.vram_bytes
        else "no NVIDIA GPU was found here"
    )
    text = f"{fit.model} with {setting} needs about {_gib(fit.needed_bytes)}, {where}: "
    if fit.verdict is FitVerdict.FITS:
        text += "it fits whole."
    elif fit.verdict is FitVerdict.SPILLS:
        text += f"{_gib(fit.spilled_bytes)} of it spills to the CPU, which makes it slower."
    else:
        text += f"it cannot run here ({_gib(machine.ram_bytes)} of RAM)."
        if machine.disk_bytes is not None:
            text += f" Free on the disk: {_gib(machine.disk_bytes)}."
    if fit.tokens_s:
        low, high = fit.tokens_s
        text += f" Expect {low:.0f} to {high:.0f} tokens a second for each request (an estimate)."
    if fit.instead and fit.instead != fit.model:
        text += f" {fit.instead} would {'fit whole' if machine.vram_bytes else 'be bearable on this CPU'}."
    if fit.lanes_instead:
        text += f" With {fit.lanes_instead} lane{'s' if fit.lanes_instead > 1 else ''} this model would."
    if fit.faster:
        text += f" {fit.faster} spills too, but a token reads little of it: it would be much faster."
    if fit.context_tokens and num_ctx > fit.context_tokens:
        text += f" It was trained for {fit.context_tokens} tokens, not for {num_ctx}."
    return text


def load_limit_s(weights_bytes: int) -> float:
    """Seconds that loading a model may take."""
    shortest, longest = LOAD_S
    return shortest + (longest - shortest) * min(1.0, weights_bytes / _LARGE_BYTES)


def _needed(size: ModelSize, lanes: int, num_ctx: int) -> int:
    return (
        size.weights_bytes
        + size.kv_bytes_per_token * num_ctx * lanes
        + BASE_OVERHEAD_BYTES
        + LANE_OVERHEAD_BYTES * lanes
    )


def _largest(machine: Machine, among: Sequence[ModelSize], *, lanes: int, num_ctx: int) -> str | None:
    for size in among:
        needed = _needed(size, lanes, num_ctx)
        if machine.vram_bytes and needed <= machine.vram_bytes * USABLE_VRAM:
            return size.name
        bearable = _speed(size, needed, "")
        in_ram = not machine.vram_bytes and needed <= machine.ram_bytes - KEPT_RAM_BYTES
        if in_ram and bearable and bearable[0] >= BEARABLE_TOKENS_S:
            return size.name
    return None


def _faster(size: ModelSize, speed: tuple[float, float], machine: Machine, *, lanes: int, num_ctx: int) -> str | None:
    for other in CATALOGUE:
        needed = _needed(other, lanes, num_ctx)
        spilled = max(0, needed - int(machine.vram_bytes * USABLE_VRAM))
        fits_disk = machine.disk_bytes is None or machine.disk_bytes >= other.weights_bytes
        if spilled > max(0, machine.ram_bytes - KEPT_RAM_BYTES) or not fits_disk:
            continue
        theirs = _speed(other, spilled, machine.gpu)
        is_large = other.weights_bytes >= NEARLY_AS_LARGE * size.weights_bytes
        if spilled and is_large and theirs and theirs[0] > MUCH_FASTER * speed[0]:
            return other.name
    return None


def _speed(size: ModelSize, spilled_bytes: int, gpu: str) -> tuple[float, float] | None:
    """Tokens a second: each token reads its share of the weights once, from where they are."""
    spilled = min(spilled_bytes, size.weights_bytes) * size.active_share
    on_gpu = size.weights_bytes * size.active_share - spilled
    bandwidth = next((speed for word, speed in BANDWIDTH_GB_S.items() if word in gpu.replace("-", " ").split()), None)
    if on_gpu and bandwidth is None:
        return None
    low, high = (
        on_gpu / 1e9 / ((bandwidth or 1) * reached) + spilled / 1e9 / cpu
        for reached, cpu in zip(REACHED, CPU_GB_S, strict=True)
    )
    return (1 / low, 1 / high)


def _gib(size_bytes: int) -> str:
    return f"{size_bytes / GIB:.1f} GiB"
