"""Whatever a model replies in rounds of repair, no file that was good is lost, and no right fix is thrown away."""

from __future__ import annotations

import random
from collections.abc import Iterator
from functools import cache

import pytest

from bridge.checking import Report, Role, Toolchain, Verdict, examine
from bridge.checking.checkers.python import AST
from bridge.checking.repair import repair
from bridge.checking.rounds import RepairOutcome
from bridge.core.chat import ChatReply, FinishReason

ROUNDS = 3


def good(i: int, size: int) -> str:
    body = "".join(f"    a{n} = x + {n}\n" for n in range(size))
    return (
        f"def f{i}(x):\n{body}    return x\n\n\ndef g{i}(x):\n    return f{i}(x)\n"
        if size
        else f"A{i} = {i}\nB = A{i}\n"
    )


def spoiled(code: str, rng: random.Random) -> str:
    """The same with a syntax error."""
    lines = code.split("\n")
    at = rng.randrange(len(lines) - 1)
    lines[at] = lines[at] + rng.choice([" (", ")", " = = 1", " ]"])
    return "\n".join(lines)


def written(files: dict[str, str], rng: random.Random) -> str:
    """An answer with these files, in one of the shapes that models use."""
    shape = rng.randrange(4)
    if shape == 3 and len(files) > 1:
        return "```python\n" + "\n".join(f"# {name}\n{code}" for name, code in files.items()) + "```\n"
    heads = {
        0: lambda name: f"`{name}`\n\n```python\n",
        1: lambda name: f"### {name}\n\n```python\n",
        2: lambda name: f"```python {name}\n",
        3: lambda name: f"```python:{name}\n",
    }
    return "\n".join(f"{heads[shape](name)}{code}```\n" for name, code in files.items())


def replies(
    files: dict[str, str], broken: dict[str, str], rng: random.Random
) -> Iterator[tuple[ChatReply, dict[str, str]]]:
    """What a model may say, and the right versions of broken files that stand whole in it."""
    while True:
        some = {name: files[name] for name in broken if rng.random() < 0.6}
        kind = rng.choice(
            ["right", "cut", "alternating", "chatty", "restart", "smaller", "prose", "worse", "siblings", "all"]
        )
        if kind == "right":
            yield ChatReply(text=written(some, rng)), some
        elif kind == "cut":
            text = written(some, rng)
            yield ChatReply(text=text[: rng.randrange(len(text) + 1)], finish_reason=FinishReason.LENGTH), {}
        elif kind == "alternating":  # mends some and breaks others
            rest = {name: spoiled(files[name], rng) for name in files if name not in some}
            yield ChatReply(text=written({**rest, **some}, rng)), some
        elif kind == "chatty":
            yield (
                ChatReply(text=f"Sorry about that!\n\n{written(some, rng)}\nRun it:\n\n```bash\npython m0.py\n```\n"),
                some,
            )
        elif kind == "restart":  # all over again, with files cut down
            yield ChatReply(text=written(dict.fromkeys(files, "def main():\n    print(1)\n"), rng)), {}
        elif kind == "smaller":  # right, with less in it
            yield ChatReply(text=written({n: c.replace("    a0 = x + 0\n", "") for n, c in some.items()}, rng)), some
        elif kind == "prose":
            yield ChatReply(text="It is fine as it is."), {}
        elif kind == "worse":
            yield ChatReply(text=written({name: spoiled(spoiled(files[name], rng), rng) for name in broken}, rng)), {}
        elif kind == "siblings":  # changes what nobody asked about
            yield ChatReply(text=written({n: "X = 1\nprint(X)\n" for n in files if n not in broken}, rng)), {}
        else:
            yield ChatReply(text=written(files, rng)), {name: files[name] for name in broken}


@pytest.fixture(scope="module")
def parser() -> Iterator[Toolchain]:
    with Toolchain(checkers=(AST,)) as toolchain:
        yield toolchain


@pytest.mark.parametrize("block", range(10))
def test_nothing_good_is_lost_in_a_hundred_random_conversations(parser: Toolchain, block: int) -> None:
    @cache
    def judge(answer: str, finish_reason: FinishReason | None) -> Report:
        return examine(answer, finish_reason=finish_reason, toolchain=parser)

    for seed in range(block * 100, block * 100 + 100):
        rng = random.Random(seed)
        files = {f"m{i}.py": good(i, rng.choice([0, 1, 6, 12])) for i in range(rng.randint(1, 4))}
        broken = {name: spoiled(code, rng) for name, code in files.items() if rng.random() < 0.5}
        asked, mended, outcome = 0, dict[str, str](), None
        steps = repair(written({**files, **broken}, rng), prompt="p", judge=judge, max_rounds=ROUNDS)
        talk = replies(files, broken, rng)
        try:
            next(steps)
            while True:
                asked += 1
                reply, fixes = next(talk)
                mended |= fixes
                steps.send(reply)
        except StopIteration as end:
            outcome = end.value
        assert isinstance(outcome, RepairOutcome)
        assert asked <= ROUNDS
        found = {b.path: b.code for b in outcome.report.blocks if b.role is not Role.WRAPPER and b.current}
        for name, code in files.items():
            if name not in broken:
                assert found[name].removeprefix(f"# {name}\n").strip() == code.strip(), (seed, name)
        wrong = {outcome.report.blocks[d.block].path for d in outcome.report.blocking}
        assert wrong <= broken.keys() - mended.keys(), (seed, wrong, mended.keys())
        assert judge(outcome.answer, FinishReason.STOP) == outcome.report
        if broken.keys() <= mended.keys():
            assert outcome.report.verdict is Verdict.CLEAN, seed
