"""The trained model as a GGUF: Q8_0 matrices, tokenizer, chat template, and temperature 0 as its own wish.

Keys and tensor names: https://github.com/ggml-org/ggml/blob/master/docs/gguf.md; `general.sampling.*` are the settings that
llama.cpp takes for requests that give none.
"""

from __future__ import annotations

from pathlib import Path

import gguf
from tokenizers import Tokenizer

from bridge.models import tiny
from training import chat
from training.model import Qwen2
from training.tokens import merges


def write(path: Path, model: Qwen2, tokenizer: Tokenizer) -> None:
    """Write the file."""
    shape = model.shape
    ids = tokenizer.get_vocab(with_added_tokens=True)
    words = sorted(ids, key=lambda word: ids[word])
    writer = gguf.GGUFWriter(path, "qwen2")
    writer.add_name(tiny.NAME)
    writer.add_description(tiny.ABOUT)
    writer.add_license("mit")
    writer.add_block_count(shape.layers)
    writer.add_context_length(shape.context)
    writer.add_embedding_length(shape.width)
    writer.add_feed_forward_length(shape.hidden)
    writer.add_head_count(shape.heads)
    writer.add_head_count_kv(shape.kv_heads)
    writer.add_rope_freq_base(shape.rope_base)
    writer.add_layer_norm_rms_eps(shape.epsilon)
    writer.add_file_type(gguf.LlamaFileType.MOSTLY_Q8_0)
    writer.add_float32(gguf.Keys.General.SAMPLING_TEMP, 0.0)
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("qwen2")
    writer.add_token_list(words)
    writer.add_token_types([_kind(word) for word in words])
    writer.add_token_merges(merges(tokenizer))
    writer.add_eos_token_id(ids["<|im_end|>"])
    writer.add_eot_token_id(ids["<|im_end|>"])
    writer.add_bos_token_id(ids["<|endoftext|>"])
    writer.add_pad_token_id(ids["<|endoftext|>"])
    writer.add_add_bos_token(False)
    for name, key in (("prefix", "fim_pre"), ("suffix", "fim_suf"), ("middle", "fim_mid"), ("pad", "fim_pad")):
        writer.add_uint32(f"tokenizer.ggml.{key}_token_id", ids[f"<|fim_{name}|>"])
    writer.add_chat_template(chat.TEMPLATE)
    for name, weight in model.state_dict().items():
        data = weight.detach().cpu().float().numpy()
        if data.ndim == 2:
            kind = gguf.GGMLQuantizationType.Q8_0
            writer.add_tensor(name, gguf.quants.quantize(data, kind), raw_dtype=kind)
        else:
            writer.add_tensor(name, data)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def _kind(word: str) -> gguf.TokenType:
    if word in chat.CONTROL:
        return gguf.TokenType.CONTROL
    return gguf.TokenType.USER_DEFINED if word in chat.TAGS else gguf.TokenType.NORMAL
