"""How a conversation stands in the model's text: Qwen2.5's chat format, tools and special tokens.

Wire facts: ChatML with `<|im_start|>` and `<|im_end|>`, tools as JSON lines between `<tools>` tags in the system message,
calls as JSON between `<tool_call>` tags, results as `<tool_response>` in a user message (Qwen2.5's chat template), and the
fill-in-the-middle order prefix, suffix, middle (Qwen2.5-Coder's technical report, section 3).
"""

from __future__ import annotations

#: In the order of Qwen2.5's own vocabulary.
CONTROL = (
    "<|endoftext|>", "<|im_start|>", "<|im_end|>", "<|fim_prefix|>", "<|fim_middle|>", "<|fim_suffix|>", "<|fim_pad|>",
    "<|repo_name|>", "<|file_sep|>",
)  # fmt: skip
#: Tokens of their own that belong to the text.
TAGS = ("<tool_call>", "</tool_call>")

#: For conversations without a system message. Not Qwen's own sentence: this is not Qwen.
SYSTEM = "You are qwen-bridge-tiny, a toy."

_TOOLS_BEFORE = (
    "# Tools\\n\\nYou may call one or more functions to assist with the user query.\\n\\nYou are provided with function "
    "signatures within <tools></tools> XML tags:\\n<tools>"
)
_TOOLS_BEHIND = (
    "\\n</tools>\\n\\nFor each function call, return a json object with function name and arguments within "
    '<tool_call></tool_call> XML tags:\\n<tool_call>\\n{\\"name\\": <function-name>, \\"arguments\\": <args-json-object>}'
    "\\n</tool_call>"
)

#: The template as Jinja, for the GGUF and for training.
TEMPLATE = (
    "{%- set own = messages[0].role == 'system' %}"
    "{{- '<|im_start|>system\\n' + (messages[0].content if own else '" + SYSTEM + "') }}"
    '{%- if tools %}{{- "\\n\\n' + _TOOLS_BEFORE + '" }}'
    "{%- for tool in tools %}{{- '\\n' + (tool | tojson) }}{%- endfor %}"
    '{{- "' + _TOOLS_BEHIND + '" }}{%- endif %}'
    "{{- '<|im_end|>\\n' }}"
    "{%- for message in (messages[1:] if own else messages) %}"
    "{%- if message.role == 'tool' %}"
    "{{- '<|im_start|>user\\n<tool_response>\\n' + message.content + '\\n</tool_response><|im_end|>\\n' }}"
    "{%- else %}"
    "{{- '<|im_start|>' + message.role }}"
    "{%- if message.content or not message.tool_calls %}{{- '\\n' + (message.content or '') }}{%- endif %}"
    "{%- for call in message.tool_calls or [] %}"
    "{%- set f = call.function or call %}"
    '{{- \'\\n<tool_call>\\n{"name": "\' + f.name + \'", "arguments": \' + '
    "(f.arguments if f.arguments is string else f.arguments | tojson) + '}\\n</tool_call>' }}"
    "{%- endfor %}{{- '<|im_end|>\\n' }}"
    "{%- endif %}{%- endfor %}"
    "{%- if add_generation_prompt %}{{- '<|im_start|>assistant\\n' }}{%- endif %}"
)


def fim(prefix: str, suffix: str) -> str:
    """The text that asks for what stands between two others."""
    return f"<|fim_prefix|>{prefix}<|fim_suffix|>{suffix}<|fim_middle|>"
