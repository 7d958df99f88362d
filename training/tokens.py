"""A byte-level BPE tokenizer that cuts text as Qwen2's does and is trained on our own data.

Cut first by Qwen2's pattern (`tokenizer.json` of Qwen/Qwen2.5-Coder, `pre_tokenizer`); llama.cpp knows it as "qwen2".
"""

from __future__ import annotations

import json
from collections.abc import Iterable

from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, pre_tokenizers, trainers

from training import chat

_CUT = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"


def train(texts: Iterable[str], *, vocabulary: int) -> Tokenizer:
    """A tokenizer of at most so many tokens, the special ones among them, at the end as in Qwen2.5."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(_CUT), "isolated"),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
        ]
    )
    tokenizer.decoder = decoders.ByteLevel()
    special = [*chat.CONTROL, *chat.TAGS]
    trainer = trainers.BpeTrainer(
        vocab_size=vocabulary - len(special),
        min_frequency=2,
        show_progress=False,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
    )
    tokenizer.train_from_iterator(texts, trainer)
    tokenizer.add_special_tokens([AddedToken(token, special=True) for token in chat.CONTROL])
    tokenizer.add_tokens([AddedToken(token, special=False) for token in chat.TAGS])
    return tokenizer


def merges(tokenizer: Tokenizer) -> list[str]:
    """The merges in order, each as two tokens with a space between."""
    found = json.loads(tokenizer.to_str())["model"]["merges"]
    return [pair if isinstance(pair, str) else " ".join(pair) for pair in found]
