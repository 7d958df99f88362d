"""A tiny GGUF that llama.cpp loads: Qwen2 architecture, two layers, random weights, byte-level BPE, ChatML template.

It knows nothing; it streams, stops, overflows and can be cancelled like a large one. Only letters, digits and spaces
come out: the rows of all other tokens in the output matrix are zero.
"""

from __future__ import annotations

from pathlib import Path

CHATML = (
    "{% for message in messages %}{{ '<|im_start|>' + message['role'] + '\\n' + message['content'] + '<|im_end|>\\n' }}"
    "{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}{% endif %}"
)
SPECIAL = ("<|endoftext|>", "<|im_start|>", "<|im_end|>")
LAYERS, WIDTH, HIDDEN, HEADS, KV_HEADS, CONTEXT = 2, 64, 128, 4, 2, 4096


def byte_letters() -> list[str]:
    """GPT-2's letter for each byte: itself where it prints, else one from U+0100 on (openai/gpt-2, encoder.py)."""
    printing = {*range(33, 127), *range(161, 173), *range(174, 256)}
    others = iter(range(256, 512))
    return [chr(byte) if byte in printing else chr(next(others)) for byte in range(256)]


def write_tiny_gguf(
    path: Path, *, seed: int = 7, width: int = WIDTH, hidden: int = HIDDEN, layers: int = LAYERS, pooling: bool = False
) -> Path:
    """Write the file and give back its path. The same seed gives the same model. `pooling`: one that is for embeddings."""
    import gguf
    import numpy as np

    letters = byte_letters()
    merges = [f"{a} {b}" for a, b in (("t", "h"), ("i", "n"), ("e", "r"), (letters[32], "a"))]
    tokens = [*letters, *(merge.replace(" ", "") for merge in merges), *SPECIAL]
    kinds = [gguf.TokenType.NORMAL] * (len(tokens) - len(SPECIAL)) + [gguf.TokenType.CONTROL] * len(SPECIAL)
    writer = gguf.GGUFWriter(path, "qwen2")
    writer.add_name("tiny random qwen2")
    writer.add_block_count(layers)
    writer.add_context_length(CONTEXT)
    writer.add_embedding_length(width)
    writer.add_feed_forward_length(hidden)
    writer.add_head_count(HEADS)
    writer.add_head_count_kv(KV_HEADS)
    writer.add_rope_freq_base(1_000_000.0)
    writer.add_layer_norm_rms_eps(1e-6)
    if pooling:
        writer.add_pooling_type(gguf.PoolingType.MEAN)
    writer.add_file_type(gguf.LlamaFileType.ALL_F32)
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("qwen2")
    writer.add_token_list(tokens)
    writer.add_token_types(kinds)
    writer.add_token_merges(merges)
    writer.add_eos_token_id(len(tokens) - 1)
    writer.add_pad_token_id(len(tokens) - 3)
    writer.add_add_bos_token(False)
    writer.add_chat_template(CHATML)
    random = np.random.default_rng(seed)

    def matrix(rows: int, columns: int, scale: float) -> np.ndarray:
        return (random.standard_normal((rows, columns)) * scale).astype(np.float32)

    writer.add_tensor("token_embd.weight", matrix(len(tokens), width, 1.0))
    for layer in range(layers):
        size = width // HEADS * KV_HEADS
        for name, rows, columns in (
            ("attn_q", width, width), ("attn_k", size, width), ("attn_v", size, width), ("attn_output", width, width),
            ("ffn_gate", hidden, width), ("ffn_up", hidden, width), ("ffn_down", width, hidden),
        ):  # fmt: skip
            writer.add_tensor(f"blk.{layer}.{name}.weight", matrix(rows, columns, 0.2))
        for name, rows in (("attn_q", width), ("attn_k", size), ("attn_v", size)):
            writer.add_tensor(f"blk.{layer}.{name}.bias", np.zeros(rows, dtype=np.float32))
        for name in ("attn_norm", "ffn_norm"):
            writer.add_tensor(f"blk.{layer}.{name}.weight", np.ones(width, dtype=np.float32))
    writer.add_tensor("output_norm.weight", np.ones(width, dtype=np.float32))
    output = matrix(len(tokens), width, 2.0)
    said = {ord(letter) for letter in "abcdefghijklmnopqrstuvwxyz0123456789 "}
    output[[token for token in range(len(tokens)) if token not in said]] = 0.0
    writer.add_tensor("output.weight", output)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path
