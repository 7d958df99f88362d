"""All that the model learns from, as rows; the same each time for the same answers and the same linters.

    python -m training.dataset build/tiny-data.jsonl

A row has `key` (what it is about: each pass of training takes one row of each key), `weight` (how many of them, on
average), `split`, `text` (what the model reads) and `answer` (what it shall write). Rows that are kept back
are in the file too; only `training/measure.py` looks at them.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path
from typing import Any

import jinja2
import orjson

from bridge.checking.examine import Toolchain, examine
from bridge.checking.faults import repair_prompt
from bridge.checking.values import Verdict
from bridge.format.template import EXAMPLES
from bridge.models.tiny import DEMO_PROMPTS
from bridge.sandbox.folder import Toolbox
from training import chat, seeds
from training.faults import faults
from training.seeds import Seed
from training.wording import Split, share, wordings

_END = "<|im_end|>"
#: A tool, a question that needs it, the call, the tool's reply and the answer: the one dialogue with tools.
WEATHER: Mapping[str, Any] = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "description": "The weather of a city",
        "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
    },
}
#: The last five are kept back.
_CITIES = tuple(
    "Accra Amman Athens Baku Bamako Berlin Bern Bogota Boston Cairo Chennai Dakar Delhi Dublin Durban Geneva Hanoi "  # noqa: SIM905
    "Havana Jakarta Kampala Kyoto Lagos Lima Lisbon London Lusaka Lyon Madrid Manila Milan Minsk Mumbai Munich Nairobi Oslo "
    "Paris Porto Prague Quito Riga Rome Santiago Seoul Sofia Tunis Turin Vienna Warsaw Zagreb Tokyo Denver Osaka Malmo Perth".split()
)


@dataclass(frozen=True, kw_only=True)
class Row:
    """One example."""

    key: str
    weight: float
    split: str
    prompt: str  #: as a user would write it; empty where there is no chat
    text: str
    answer: str  #: with the token that ends it


def rows() -> Iterator[Row]:
    """All rows, in a fixed order."""
    with Toolchain() as toolchain, Toolchain(toolbox=Toolbox(path=())) as bare:
        yield from _demo((toolchain, bare))
        for seed in seeds.everyday():
            yield from _everyday(seed)
            yield from _mended(seed, toolchain)
            yield from _middles(seed)
    yield from _tools()


def rendered(messages: Sequence[Mapping[str, Any]], tools: Sequence[Mapping[str, Any]] | None = None) -> str:
    """A conversation as the model reads it, up to where it answers."""
    return _template().render(messages=messages, tools=tools, add_generation_prompt=True)


@cache
def _template() -> jinja2.Template:
    # As llama.cpp reads it: plain text, and JSON with spaces behind colons and commas.
    environment = jinja2.Environment(trim_blocks=True, lstrip_blocks=True, autoescape=False)  # noqa: S701
    environment.filters["tojson"] = lambda value: orjson.dumps(value).decode().replace('":', '": ').replace(',"', ', "')
    return environment.from_string(chat.TEMPLATE)


def _row(key: str, prompt: str, answer: str, *, weight: float = 1.0, split: Split = Split.SEEN) -> Row:
    text = rendered([{"role": "user", "content": prompt}])
    return Row(key=key, weight=weight, split=split.value, prompt=prompt, text=text, answer=answer + _END)


def _everyday(seed: Seed) -> Iterator[Row]:
    for wording in wordings(seed):
        yield _row(f"answer:{seed.topic}/{seed.language}", wording.text, seed.answer, split=wording.split)


def _demo(benches: Sequence[Toolchain]) -> Iterator[Row]:
    """The prompts that must work, with and without a line end behind them, and the rounds of repair that follow."""
    found = seeds.demo()
    asked = [(f"example {i}", text, options.lang, options.out) for i, (_, text, options) in enumerate(EXAMPLES, 1)]
    asked += [(p.name, p.text, p.language, p.out) for p in DEMO_PROMPTS]
    for name, prompt, language, out in asked:
        first, *better = found[name]
        for text in (prompt.strip(), prompt.strip() + "\n"):
            yield _row(f"demo:{name}", text, first.answer, weight=2.0)
            for toolchain in benches if better else ():
                report = examine(
                    first.answer, prompt=text, lang=language, out=out, finish_reason="stop", toolchain=toolchain
                )
                if report.verdict is not Verdict.ERRORS:
                    raise ValueError(f"the first answer to {name} has no fault that blocks")
                yield _row(f"demo repair:{name}", repair_prompt(text, report), better[0].fenced, weight=2.0)


def _mended(seed: Seed, toolchain: Toolchain) -> Iterator[Row]:
    """Rounds of repair for a few faults of everyday answers."""
    if share(seed.code) > 0.5:
        return
    asked = [w.text for w in wordings(seed) if w.split is Split.SEEN]
    for number, broken in enumerate(faults(seed.language, seed.code)):
        prompt = asked[int(share(broken) * len(asked))]
        report = examine(f"```{seed.language}\n{broken}\n```", prompt=prompt, finish_reason="stop", toolchain=toolchain)
        if report.verdict is Verdict.ERRORS:
            split = Split.COMBINED if number == 2 else Split.SEEN
            key = f"repair:{seed.topic}/{seed.language}"
            yield _row(key, repair_prompt(prompt, report), seed.fenced, weight=0.35, split=split)


def _middles(seed: Seed) -> Iterator[Row]:
    """Python functions with a line taken out, to be filled in."""
    lines = seed.code.split("\n")
    if seed.language != "python" or len(lines) > 20:
        return
    for at, line in enumerate(lines):
        if line.startswith("    ") and not line.strip().startswith('"""') and line.strip():
            indent = line[: len(line) - len(line.lstrip())]
            prefix, suffix = "\n".join([*lines[:at], indent]), "\n" + "\n".join(lines[at + 1 :])
            yield Row(
                key=f"middle:{seed.topic}", weight=0.35, split=Split.SEEN.value, prompt="",
                text=chat.fim(prefix, suffix), answer=line.strip() + "<|endoftext|>",
            )  # fmt: skip


def _tools() -> Iterator[Row]:
    for number, city in enumerate(_CITIES):
        split = (Split.COMBINED if number >= len(_CITIES) - 5 else Split.SEEN).value
        asked = {"role": "user", "content": f"What is the weather in {city}?"}
        call = {"name": "get_weather", "arguments": {"city": city}}
        says = f'<tool_call>\n{{"name": "get_weather", "arguments": {{"city": "{city}"}}}}\n</tool_call>'
        text = rendered([asked], [WEATHER])
        yield Row(key="tool call", weight=3.0, split=split, prompt="", text=text, answer=says + _END)
        for sky in ("sunny", "rainy", "cloudy"):
            told: list[Mapping[str, Any]] = [
                asked,
                {"role": "assistant", "content": "", "tool_calls": [{"function": call}]},
                {"role": "tool", "content": f'{{"weather": "{sky}"}}'},
            ]
            end = f"It is {sky} in {city}.{_END}"
            yield Row(key="tool reply", weight=2.0, split=split, prompt="", text=rendered(told, [WEATHER]), answer=end)


def write(path: Path) -> int:
    """Write all rows as JSON lines; gives their number."""
    lines = [orjson.dumps(asdict(row)) for row in rows()]
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"\n".join(lines) + b"\n")
    return len(lines)


if __name__ == "__main__":
    print(write(Path(sys.argv[1])), "rows")
