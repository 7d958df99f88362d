"""Tools that refuse what they do not know, and refusals that an agent can read."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from difflib import get_close_matches

from mcp.server.mcpserver.exceptions import ToolError
from mcp.server.mcpserver.tools import Tool
from mcp.server.mcpserver.utilities.func_metadata import ArgModelBase
from mcp_types import ToolAnnotations
from pydantic import ConfigDict, create_model, model_validator

from bridge.core.errors import BridgeError


class OwnFields(ArgModelBase):
    """Arguments of a tool, and no others."""

    model_config = ConfigDict(extra="forbid")

    @model_validator(mode="before")
    @classmethod
    def _refuse_unknown(cls, given: object) -> object:
        for name in given if isinstance(given, dict) else ():
            if name not in cls.model_fields:
                raise ValueError(_unknown(str(name), set(cls.model_fields)))
        return given


def tool(function: Callable[..., object], title: str, hints: ToolAnnotations) -> Tool:
    """A tool of a function, whose schema and whose reading know its own fields only."""
    told = inspect.cleandoc(function.__doc__ or "")
    made = Tool.from_function(function, title=title, description=told, annotations=hints)
    loose = made.fn_metadata.arg_model
    strict = create_model(loose.__name__, __base__=(loose, OwnFields))
    made.fn_metadata.arg_model = strict
    made.parameters = strict.model_json_schema(by_alias=True)
    return made


def _unknown(name: str, known: set[str]) -> str:
    close = get_close_matches(name, known, 1)
    meant = f": did you mean {close[0]!r}?" if close else ""
    takes = ", ".join(sorted(known)) or "nothing"
    return (
        f"unknown field {name!r}{meant} This tool takes {takes}."
        if meant
        else f"unknown field {name!r}: this tool takes {takes}"
    )


@contextmanager
def refusals() -> Iterator[None]:
    """Our errors as messages that the agent reads."""
    try:
        yield
    except (BridgeError, ValueError) as error:
        raise ToolError(str(error)) from error
