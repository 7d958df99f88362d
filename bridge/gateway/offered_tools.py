"""The tools of a request: which calls of them are right, and what is wrong with one.

Schemas come from clients. A remote `$ref` is never fetched: jsonschema-rs would make a real request for it (facts, section 5).
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import NoReturn

import json_repair
import jsonschema_rs

from bridge.core.chat import ToolCall, ToolDefinition
from bridge.core.errors import BadRequest


class OfferedTools:
    """What was offered."""

    def __init__(self, tools: Sequence[ToolDefinition]) -> None:
        """Raises BadRequest: parameters that are no JSON Schema, or refer to another one elsewhere."""
        self.names = frozenset(tool.name for tool in tools)
        self._validators = {tool.name: _validator(tool) for tool in tools}

    def right(self, call: ToolCall) -> ToolCall | None:
        """The call with arguments that fit, mended by rule if need be; None: they do not fit."""
        for arguments in (_loads(call.arguments), _repaired(call.arguments)):
            if isinstance(arguments, dict) and self._fits(call.name, arguments):
                return ToolCall(id=call.id, name=call.name, arguments=json.dumps(arguments, ensure_ascii=False))
        return None

    def fault(self, call: ToolCall) -> str:
        """What is wrong with a call, for the model and for a person."""
        if call.name not in self.names:
            return f"there is no tool {call.name!r}; there are {', '.join(sorted(self.names))}"
        arguments = _loads(call.arguments)
        if not isinstance(arguments, dict):
            return f"the arguments of {call.name} are no JSON object"
        errors = [
            f"{'.'.join(map(str, error.instance_path)) or 'arguments'}: {error.message}"
            for error in self._validators[call.name].iter_errors(arguments)
        ]
        return f"the arguments of {call.name} do not fit its schema: {'; '.join(errors)[:500]}"

    def _fits(self, name: str, arguments: dict[str, object]) -> bool:
        validator = self._validators.get(name)
        return validator is not None and validator.is_valid(arguments)


def _validator(tool: ToolDefinition) -> jsonschema_rs.Validator:
    def refuse(uri: str) -> NoReturn:
        raise ValueError(f"it refers to {uri[:200]}, which is not fetched")

    try:
        return jsonschema_rs.validator_for(dict(tool.parameters), retriever=refuse)
    except (ValueError, jsonschema_rs.ReferencingError) as error:
        why = str(error).splitlines()[0][:300]
        raise BadRequest(
            f"the parameters of the tool {tool.name!r} are no JSON Schema that can be used: {why}"
        ) from None


def _loads(text: str) -> object:
    try:
        return json.loads(text or "{}")
    except (ValueError, RecursionError):
        return None


def _repaired(text: str) -> object:
    """What the text was meant to be: trailing commas, single quotes and raw line ends mended."""
    try:
        return json_repair.loads(text)
    except (ValueError, RecursionError):
        return None
