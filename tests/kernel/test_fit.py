"""Whether a model fits: the numbers of facts 6.7 to 6.10 and 9.5."""

from __future__ import annotations

import pytest

from bridge.kernel.catalogue import CATALOGUE, FAMILY, SIZES, known_name, longest_context, size_of
from bridge.kernel.fit import GIB, FitVerdict, Machine, choose, describe, judge, load_limit_s

T4 = Machine(gpu="Tesla T4", vram_bytes=15360 << 20, ram_bytes=11 * GIB, disk_bytes=70 * GIB)
NO_GPU = Machine(ram_bytes=11 * GIB, disk_bytes=70 * GIB)
A100 = Machine(gpu="NVIDIA A100-SXM4-40GB", vram_bytes=40960 << 20, ram_bytes=80 * GIB, disk_bytes=200 * GIB)


@pytest.mark.parametrize(
    ("model", "machine", "lanes", "num_ctx", "verdict"),
    [
        ("qwen2.5-coder:32b", T4, 1, 8192, FitVerdict.SPILLS),  # 18.5 GiB of weights
        ("qwen2.5-coder:14b", T4, 2, 8192, FitVerdict.FITS),  # fact 9.5
        ("qwen2.5-coder:14b", T4, 4, 4096, FitVerdict.FITS),  # fact 9.5
        ("qwen2.5-coder:14b", T4, 1, 16384, FitVerdict.FITS),  # fact 6.8
        ("qwen2.5-coder:14b", T4, 4, 8192, FitVerdict.SPILLS),  # 6 GiB of KV cache are too much
        ("qwen2.5-coder:7b", T4, 4, 8192, FitVerdict.FITS),  # fact 9.5
        ("qwen2.5-coder:7b", T4, 1, 32768, FitVerdict.FITS),  # fact 6.8
        ("qwen2.5-coder:32b", A100, 4, 8192, FitVerdict.FITS),
        ("qwen2.5-coder:32b", NO_GPU, 1, 4096, FitVerdict.CANNOT),  # more than the RAM
        ("qwen2.5-coder:7b", NO_GPU, 1, 4096, FitVerdict.SPILLS),  # all of it on the CPU
        ("qwen2.5-coder", T4, 1, 4096, FitVerdict.FITS),  # without a tag it is 7b
        ("qwen2.5-coder:7b-instruct-q4_K_M", T4, 1, 4096, FitVerdict.FITS),
        (
            "qwen2.5-coder:14b-instruct-fp16",
            T4,
            1,
            4096,
            FitVerdict.CANNOT,
        ),  # 27 GiB of weights: more than both memories
        ("qwen2.5-coder:14b-instruct-q8_0", T4, 1, 4096, FitVerdict.SPILLS),  # 14.6 GiB of weights
        ("qwen2.5-coder:14b-instruct-q2_K", T4, 4, 8192, FitVerdict.FITS),  # 6 GB
        ("qwen2.5-coder:7b-instruct-fp16", T4, 1, 4096, FitVerdict.SPILLS),
        ("qwen3-coder:30b", T4, 1, 8192, FitVerdict.SPILLS),  # 17.3 GiB, though a token reads a tenth of it
        ("qwen3-coder:480b", T4, 1, 8192, FitVerdict.CANNOT),
        ("somebody/model:70b", T4, 1, 4096, FitVerdict.CANNOT),  # estimated from its billions
        ("mystery", T4, 1, 4096, FitVerdict.UNKNOWN),
        ("qwen2.5-coder:7b", Machine(), 1, 4096, FitVerdict.UNKNOWN),  # a machine whose memory nobody could read
        ("devstral-small-2:24b", T4, 1, 8192, FitVerdict.SPILLS),  # 14.2 GiB of weights
        (
            "qwen2.5-coder:14b",
            Machine(gpu="T4", vram_bytes=T4.vram_bytes, ram_bytes=GIB, disk_bytes=GIB),
            1,
            4096,
            FitVerdict.CANNOT,
        ),
    ],
)
def test_the_verdict(model: str, machine: Machine, lanes: int, num_ctx: int, verdict: FitVerdict) -> None:
    fit = judge(model, machine, lanes=lanes, num_ctx=num_ctx)
    assert fit.verdict is verdict
    assert model in describe(fit, machine, lanes=lanes, num_ctx=num_ctx)


@pytest.mark.parametrize(
    ("machine", "lanes", "num_ctx", "model"),
    [
        (T4, 1, 8192, "14b"),
        (T4, 4, 8192, "7b"),  # four lanes of 8k leave no room for 14b
        (A100, 1, 8192, "32b"),
        (NO_GPU, 1, 8192, "3b"),  # bearable on a CPU
        (Machine(ram_bytes=GIB), 1, 8192, "0.5b"),  # there is nothing smaller
    ],
)
def test_auto_takes_the_largest_that_fits_whole(machine: Machine, lanes: int, num_ctx: int, model: str) -> None:
    assert choose(machine, lanes=lanes, num_ctx=num_ctx) == f"qwen2.5-coder:{model}"


@pytest.mark.parametrize(
    ("model", "low", "high"),
    [
        ("32b", (0.8, 2), (2, 4.5)),  # fact 6.9: 1 to 4 tokens a second
        ("14b", (12, 14), (19, 21)),  # fact 6.10: 13 to 20
        ("7b", (24, 26), (38, 41)),  # fact 6.10: 25 to 40
    ],
)
def test_the_speed_estimate_on_a_t4_is_that_of_the_facts(model: str, low: tuple, high: tuple) -> None:
    speed = judge(f"qwen2.5-coder:{model}", T4, lanes=1, num_ctx=4096).tokens_s
    assert speed
    assert low[0] <= speed[0] <= low[1]
    assert high[0] <= speed[1] <= high[1]


def test_what_does_not_fit_says_what_does() -> None:
    sizing = {"lanes": 4, "num_ctx": 8192}
    text = describe(judge("qwen2.5-coder:14b", T4, **sizing), T4, **sizing)
    assert "qwen2.5-coder:7b would fit whole" in text
    assert "With 2 lanes this model would" in text or "With 3 lanes this model would" in text
    assert "an estimate" in text


def test_without_a_gpu_nothing_is_said_to_fit_one() -> None:
    text = describe(judge("qwen2.5-coder:32b", NO_GPU, lanes=1, num_ctx=4096), NO_GPU, lanes=1, num_ctx=4096)
    assert "no NVIDIA GPU was found here" in text
    assert "fit whole" not in text
    assert "qwen2.5-coder:3b would be bearable on this CPU" in text


def test_an_unknown_gpu_gives_no_speed_rather_than_a_wrong_one() -> None:
    assert (
        judge("qwen2.5-coder:7b", Machine(gpu="Quantum 9000", vram_bytes=40 * GIB), lanes=1, num_ctx=4096).tokens_s
        is None
    )
    assert size_of("llama3") is None


def test_speed_follows_the_weights_that_a_token_reads() -> None:
    dense, mixed = (judge(f"{name}", T4, lanes=1, num_ctx=8192) for name in ("qwen2.5-coder:32b", "qwen3-coder:30b"))
    assert dense.tokens_s
    assert mixed.tokens_s
    assert mixed.tokens_s[0] > 3 * dense.tokens_s[1]  # the pessimist's of the one above the optimist's of the other
    assert "qwen3-coder:30b spills too" in describe(dense, T4, lanes=1, num_ctx=8192)
    assert judge("somebody/x:30b-a3b", T4, lanes=1, num_ctx=8192).tokens_s > dense.tokens_s  # type: ignore[operator]


@pytest.mark.parametrize(
    ("spelled", "name"),
    [
        ("qwencoder-1.5b", "qwen2.5-coder:1.5b"),
        ("Qwen-Coder:7B", "qwen2.5-coder:7b"),
        ("qwen2.5-coder", "qwen2.5-coder:7b"),
        ("qwen2.5-coder:latest", "qwen2.5-coder:7b"),
        ("qwen2.5-coder-14b-instruct-q4_k_m.gguf", "qwen2.5-coder:14b"),
        ("Qwen/Qwen2.5-Coder-7B-Instruct-Q8_0", "qwen2.5-coder:7b-instruct-q8_0"),
        ("Qwen3-Coder-30B-A3B-Instruct-Q4_K_M", "qwen3-coder:30b"),
        ("qwen3-coder-next", "qwen3-coder-next"),
        ("qwen2.5-coder:9b", None),  # there is none
        ("qwen2.5-coder:7b-base-q8_0", None),  # not the one that answers questions
        ("qwen2.5-coder:my-own", None),
        ("qwen2.5-coder-7b-instruct-bf16", "qwen2.5-coder:7b-instruct-bf16"),
        ("llama3:8b", None),
    ],
)
def test_a_model_is_known_by_each_of_its_spellings(spelled: str, name: str | None) -> None:
    assert known_name(spelled) == name


def test_context_lengths_are_what_the_models_have() -> None:
    assert longest_context("qwencoder-1.5b") == 32_768
    assert longest_context("qwen2.5-coder:1.5b", yarn=True) is None  # its card's 131,072 was withdrawn
    assert longest_context("qwen2.5-coder:14b", yarn=True) == 131_072
    assert longest_context("qwen3-coder:30b") == 262_144
    assert longest_context("llama3") is None
    text = describe(judge("qwen2.5-coder:1.5b", T4, lanes=1, num_ctx=65_536), T4, lanes=1, num_ctx=65_536)
    assert "trained for 32768 tokens, not for 65536" in text


def test_loading_may_take_a_minute_for_the_smallest_and_three_for_the_largest() -> None:
    limits = [load_limit_s(size.weights_bytes) for size in SIZES]
    assert limits == sorted(limits, reverse=True)
    assert (round(limits[-1]), limits[0]) == (63, 180)


def test_auto_takes_none_of_another_family_unasked() -> None:
    huge = Machine(gpu="NVIDIA H100", vram_bytes=300 * GIB, ram_bytes=300 * GIB)
    assert choose(huge, lanes=1, num_ctx=8192) == f"{FAMILY}:32b"
    assert all(size_of(size.name) == size for size in CATALOGUE)
