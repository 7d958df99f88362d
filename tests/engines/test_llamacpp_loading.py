"""What the embedded engine says of a file that it cannot load, what it takes, and how it counts long texts."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

pytest.importorskip("xllamacpp", reason="needs the extra [embedded]")

from bridge.core.errors import BadRequest, NotSupported, OutOfMemory
from bridge.engines.base import Request
from bridge.engines.llamacpp import LlamaCppEngine
from bridge.models import tiny
from tests.support.gguf import write_tiny_gguf

LINUX = pytest.mark.skipif(sys.platform != "linux", reason="limits and sizes of processes by Linux's means")


@contextmanager
def address_space(most_bytes: int) -> Iterator[None]:
    """This process and what it starts may map no more than that."""
    import resource

    before = resource.getrlimit(resource.RLIMIT_AS)
    resource.setrlimit(resource.RLIMIT_AS, (most_bytes, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_AS, before)


def test_a_file_that_breaks_off_is_named_with_the_reason(tmp_path: Path) -> None:
    half = tmp_path / "half.gguf"
    half.write_bytes(tiny.PATH.read_bytes()[:3_000_000])
    engine = LlamaCppEngine(half)
    with pytest.raises(BadRequest, match=r"half\.gguf cannot be loaded: .*incomplete\. Is it a whole GGUF file"):
        engine.load("half")
    assert "half.gguf cannot be loaded" in engine.health().detail
    half.write_bytes(tiny.PATH.read_bytes())  # fetched again
    engine.load("half")
    assert engine.health().loaded == ("half",)
    engine.close()


@LINUX
def test_a_window_that_does_not_fit_into_memory_is_told_as_that() -> None:
    engine = LlamaCppEngine(tiny.PATH, num_ctx=8_000_000, threads=1)
    with address_space(6 << 30), pytest.raises(OutOfMemory, match="does not fit into memory with this context"):
        engine.load("tiny_coder")
    engine.close()


@LINUX
def test_a_loaded_model_takes_no_more_than_twice_its_size(tmp_path: Path) -> None:
    from bridge.gateway.memory import memory_bytes

    file = write_tiny_gguf(tmp_path / "larger.gguf", width=1024, hidden=4096, layers=3)
    engine = LlamaCppEngine(file, num_ctx=2048, threads=1)
    before = memory_bytes() or 0
    engine.load("larger")
    engine.answer(Request(prompt="a word", model="larger", max_tokens=8))
    taken = (memory_bytes() or 0) - before
    engine.close()
    assert file.stat().st_size > 150e6  # so large that an interpreter's own memory does not count
    assert file.stat().st_size < taken < 2 * file.stat().st_size


def test_256_thousand_tokens_are_counted_whatever_the_window() -> None:
    engine = LlamaCppEngine(tiny.PATH, num_ctx=2048, threads=1, called=tiny.NAME)
    line = "def add(a, b):\n    return a + b\n"

    def count(lines: int) -> int:
        return engine.count_tokens(Request(prompt=line * lines, model=tiny.NAME))

    a_line = count(20) - count(19)
    lines = 262_144 // a_line + 1
    assert count(lines) - count(1) == (lines - 1) * a_line
    assert count(lines) > 262_144
    engine.close()


def test_yarn_stretches_the_window_of_a_model_that_has_it_and_no_other(tmp_path: Path) -> None:
    file = write_tiny_gguf(tmp_path / "qwen2.5-coder-7b-instruct-q4_k_m.gguf")
    engine = LlamaCppEngine(file, num_ctx=65_536, threads=1, yarn=True)
    engine.load(file.stem)
    assert engine.capabilities(file.stem).context_tokens == 65_536
    answer = engine.answer(Request(prompt="a word", model=file.stem, max_tokens=4))
    assert answer.usage["completion_tokens"] >= 1
    engine.close()
    with pytest.raises(NotSupported, match="7b, 14b and 32b"):
        LlamaCppEngine(tiny.PATH, num_ctx=65_536, yarn=True)
