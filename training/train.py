"""Train the model, write it as a GGUF, and what the run came to into `training/run.json`.

    python -m training.train build/tiny-data.jsonl --minutes 20

Needs what training/requirements.txt names. The seed is fixed; two runs on one machine with the same number of steps give
the same model. The number of steps follows from `--minutes`, unless `--steps` is given.
"""

from __future__ import annotations

import argparse
import json
import math
import random
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import torch
from tokenizers import Tokenizer
from torch.nn import functional

from bridge.models import tiny
from training import export, tokens
from training.model import Qwen2, Shape

SEED = 7
VOCABULARY = 4096
#: Tokens of a batch, padding included.
BATCH_TOKENS = 2048
LEARNING_RATE = 2e-3
#: Longer rows are left out.
LONGEST = 1280


@dataclass(frozen=True, kw_only=True)
class Example:
    """One row as tokens; loss counts from `start` on."""

    ids: tuple[int, ...]
    start: int


@dataclass(frozen=True, kw_only=True)
class Group:
    """The rows of one key."""

    examples: tuple[Example, ...]
    weight: float


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("data", type=Path)
    parser.add_argument("--out", type=Path, default=tiny.PATH)
    parser.add_argument("--minutes", type=float, default=20.0)
    parser.add_argument("--steps", type=int)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    given = parser.parse_args()
    torch.set_num_threads(given.threads)
    torch.manual_seed(SEED)
    rows = [row for row in map(json.loads, given.data.open(encoding="utf-8")) if row["split"] == "seen"]
    tokenizer = tokens.train((row["text"] + row["answer"] for row in rows), vocabulary=VOCABULARY)
    groups = _grouped(rows, tokenizer)
    model = Qwen2(Shape(vocabulary=tokenizer.get_vocab_size(with_added_tokens=True))).to(given.device)
    parameters = sum(weight.numel() for weight in model.parameters())
    print(f"{len(groups)} keys, {model.shape.vocabulary} tokens, {parameters:,} parameters", flush=True)
    began = time.monotonic()
    loss, steps = _learn(model, groups, minutes=given.minutes, steps=given.steps, device=given.device)
    minutes = (time.monotonic() - began) / 60
    export.write(given.out, model, tokenizer)
    figures = {"loss": round(loss, 4), "steps": steps, "minutes": round(minutes, 1), "parameters": parameters,
               "device": given.device, "threads": given.threads}  # fmt: skip
    Path(__file__).with_name("run.json").write_text(json.dumps(figures, indent=1) + "\n", encoding="utf-8")
    print(json.dumps(figures))


def _grouped(rows: list[dict[str, str]], tokenizer: Tokenizer) -> list[Group]:
    found: dict[str, list[Example]] = {}
    weights: dict[str, float] = {}
    for row in rows:
        text = tokenizer.encode(row["text"]).ids
        ids = (*text, *tokenizer.encode(row["answer"]).ids)
        if len(ids) <= LONGEST:
            found.setdefault(row["key"], []).append(Example(ids=ids, start=len(text)))
            weights[row["key"]] = float(row["weight"])
    return [Group(examples=tuple(examples), weight=weights[key]) for key, examples in found.items()]


def _batches(groups: list[Group], chance: random.Random) -> Iterator[list[Example]]:
    """Passes without end; each takes from every key as many rows as its weight says, on average."""
    while True:
        drawn = []
        for group in groups:
            times = int(group.weight) + (chance.random() < group.weight % 1)
            drawn += [chance.choice(group.examples) for _ in range(times)]
        drawn.sort(key=lambda example: (len(example.ids), chance.random()))
        batches: list[list[Example]] = [[]]
        for example in drawn:
            if (len(batches[-1]) + 1) * len(example.ids) > BATCH_TOKENS and batches[-1]:
                batches.append([])
            batches[-1].append(example)
        chance.shuffle(batches)
        yield from batches


def _learn(model: Qwen2, groups: list[Group], *, minutes: float, steps: int | None, device: str) -> tuple[float, int]:
    """Train in place; gives the mean loss of the last hundred steps, and the number of steps."""
    matrices = [weight for weight in model.parameters() if weight.dim() == 2]
    others = [weight for weight in model.parameters() if weight.dim() != 2]
    optimizer = torch.optim.AdamW(
        [{"params": matrices, "weight_decay": 0.05}, {"params": others, "weight_decay": 0.0}],
        lr=LEARNING_RATE, betas=(0.9, 0.95), fused=True,
    )  # fmt: skip
    began = time.monotonic()
    losses: list[float] = []
    for number, batch in enumerate(_batches(groups, random.Random(SEED))):  # noqa: S311  # repeatable, not secret
        done = number / steps if steps else (time.monotonic() - began) / (60 * minutes)
        if done >= 1:
            break
        rate = LEARNING_RATE * min(1.0, (number + 1) / 60) * (0.03 + 0.97 * (1 + math.cos(math.pi * done)) / 2)
        for group in optimizer.param_groups:
            group["lr"] = rate
        inputs, targets, wanted = (part.to(device) for part in _tensors(batch))
        loss = functional.cross_entropy(model(inputs, wanted), targets[wanted])
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        losses.append(loss.item())
        if number % 50 == 0:
            recent = losses[-50:]
            spent = time.monotonic() - began
            print(f"{number:6d} steps {spent:6.0f} s  loss {sum(recent) / len(recent):.4f}", flush=True)
    recent = losses[-100:]
    return sum(recent) / len(recent), len(losses)


def _tensors(batch: list[Example]) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """(tokens, next tokens, which of them count); shorter rows are filled up behind, where nothing looks back."""
    longest = max(len(example.ids) for example in batch) - 1
    inputs = torch.zeros(len(batch), longest, dtype=torch.long)
    targets = torch.zeros(len(batch), longest, dtype=torch.long)
    wanted = torch.zeros(len(batch), longest, dtype=torch.bool)
    for row, example in enumerate(batch):
        ids = torch.tensor(example.ids)
        inputs[row, : len(ids) - 1] = ids[:-1]
        targets[row, : len(ids) - 1] = ids[1:]
        wanted[row, example.start - 1 : len(ids) - 1] = True
    return inputs, targets, wanted


if __name__ == "__main__":
    main()
