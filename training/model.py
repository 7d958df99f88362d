"""Qwen2 in PyTorch: RMSNorm, rotary positions, grouped queries with biases, SwiGLU, tied embeddings.

Names and shapes follow llama.cpp's for the architecture `qwen2`, so that the export copies tensors as they are. Rotary
positions turn the first half of a head against the second one ("NeoX" in llama.cpp).
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional


@dataclass(frozen=True, kw_only=True)
class Shape:
    """How large the model is. All widths are multiples of 32, the block size of Q8_0."""

    vocabulary: int
    layers: int = 5
    width: int = 256
    hidden: int = 672
    heads: int = 4
    kv_heads: int = 2
    context: int = 2048  #: tokens; longer prompts are refused by llama.cpp
    rope_base: float = 10_000.0
    epsilon: float = 1e-6

    @property
    def head(self) -> int:
        """Width of one head."""
        return self.width // self.heads


class Block(nn.Module):
    """One layer."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.shape = shape
        small = shape.head * shape.kv_heads
        self.attn_norm = nn.RMSNorm(shape.width, eps=shape.epsilon)
        self.attn_q = nn.Linear(shape.width, shape.width)
        self.attn_k = nn.Linear(shape.width, small)
        self.attn_v = nn.Linear(shape.width, small)
        self.attn_output = nn.Linear(shape.width, shape.width, bias=False)
        self.ffn_norm = nn.RMSNorm(shape.width, eps=shape.epsilon)
        self.ffn_gate = nn.Linear(shape.width, shape.hidden, bias=False)
        self.ffn_up = nn.Linear(shape.width, shape.hidden, bias=False)
        self.ffn_down = nn.Linear(shape.hidden, shape.width, bias=False)

    def forward(self, x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
        """The residual stream behind this layer."""
        batch, length, _ = x.shape
        head = self.shape.head
        y = self.attn_norm(x)
        q = _turned(self.attn_q(y).view(batch, length, -1, head).transpose(1, 2), cos, sin)
        k = _turned(self.attn_k(y).view(batch, length, -1, head).transpose(1, 2), cos, sin)
        v = self.attn_v(y).view(batch, length, -1, head).transpose(1, 2)
        times = self.shape.heads // self.shape.kv_heads
        k, v = k.repeat_interleave(times, dim=1), v.repeat_interleave(times, dim=1)
        seen = functional.scaled_dot_product_attention(q, k, v, is_causal=True)
        x = x + self.attn_output(seen.transpose(1, 2).reshape(batch, length, -1))
        y = self.ffn_norm(x)
        return x + self.ffn_down(functional.silu(self.ffn_gate(y)) * self.ffn_up(y))


def _turned(x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
    first, second = x.chunk(2, dim=-1)
    return torch.cat((first * cos - second * sin, second * cos + first * sin), dim=-1)


class Qwen2(nn.Module):
    """The whole model; the embedding is also the output matrix."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.shape = shape
        self.token_embd = nn.Embedding(shape.vocabulary, shape.width)
        self.blk = nn.ModuleList(Block(shape) for _ in range(shape.layers))
        self.output_norm = nn.RMSNorm(shape.width, eps=shape.epsilon)
        for name, weight in self.named_parameters():
            if weight.dim() == 2:
                scale = 0.02 if name.startswith("token_embd") else weight.shape[1] ** -0.5 * 0.6
                if name.endswith(("attn_output.weight", "ffn_down.weight")):
                    scale /= (2 * shape.layers) ** 0.5
                nn.init.normal_(weight, std=scale)
            elif name.endswith("bias"):
                nn.init.zeros_(weight)
        at = torch.arange(shape.context).float()[:, None]
        turns = at * shape.rope_base ** (-torch.arange(0, shape.head, 2).float() / shape.head)
        self.register_buffer("cos", turns.cos(), persistent=False)
        self.register_buffer("sin", turns.sin(), persistent=False)

    def forward(self, tokens: Tensor, wanted: Tensor) -> Tensor:
        """Scores of the next token at the positions that `wanted` marks, one row each."""
        x = self.token_embd(tokens)
        length = tokens.shape[1]
        for block in self.blk:
            x = block(x, self.cos[:length], self.sin[:length])
        return functional.linear(self.output_norm(x[wanted]), self.token_embd.weight)
