"""JSON, YAML, TOML and XML by the parsers of Python and PyYAML. Nothing is built from the text but plain values."""

from __future__ import annotations

import json
import re
import tomllib
from xml.parsers import expat

from bridge.checking.parsers.base import Parsed, fault


def check_json(code: str) -> Parsed:
    """JSON; comments and trailing commas are worth saying but no error, because configuration files have them."""
    if not code.strip():
        return {"faults": [fault(1, 1, "json", "the text is empty")]}
    try:
        json.loads(code)
    except json.JSONDecodeError as error:
        found = error
    except RecursionError:
        return {"faults": [], "unknown": "nested too deeply"}
    else:
        return {"faults": []}
    relaxed = _plain(code)
    try:
        json.loads(relaxed)
    except (json.JSONDecodeError, RecursionError):
        if _is_lines(code):
            return {"faults": [fault(1, 1, "json-lines", "one JSON value a line", advice=True)]}
        return {"faults": [fault(found.lineno, found.colno, "json", found.msg)]}
    return {"faults": [fault(found.lineno, found.colno, "json-comments", "comments or trailing commas", advice=True)]}


_TOKEN = re.compile(r"\"(?:\\.|[^\"\\])*\"|//[^\n]*|/\*.*?\*/|(?m:^[ \t]*#[^\n]*)|,(?=\s*[}\]])", re.DOTALL)


def _plain(code: str) -> str:
    """The text without comments and trailing commas; lines stay where they are."""
    bare = _TOKEN.sub(lambda m: m[0] if m[0][0] == '"' else "\n" * m[0].count("\n"), code)
    return re.sub(r",(\s*[}\]])", r"\1", bare)


def _is_lines(code: str) -> bool:
    lines = [line for line in code.split("\n") if line.strip()]
    try:
        return len(lines) > 1 and all(isinstance(json.loads(line), dict | list) for line in lines)
    except ValueError:
        return False


def check_yaml(code: str) -> Parsed:
    """YAML, by events only: no object is built from a tag."""
    try:
        import yaml  # optional, and only this function needs it
    except ImportError:
        return {"faults": [], "absent": "pyyaml"}
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    depth = 0
    try:
        for event in yaml.parse(code, Loader=loader):
            depth += isinstance(event, yaml.MappingStartEvent | yaml.SequenceStartEvent)
            depth -= isinstance(event, yaml.MappingEndEvent | yaml.SequenceEndEvent)
            if depth > 200:
                return {"faults": [], "unknown": "nested too deeply", "version": yaml.__version__}
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line, column = (mark.line + 1, mark.column + 1) if mark else (1, 1)
        text = " ".join(part for part in (error.context, error.problem) if part)
        return {"faults": [fault(line, column, "yaml", text)], "version": yaml.__version__}
    except yaml.YAMLError as error:
        return {"faults": [fault(1, 1, "yaml", str(error))], "version": yaml.__version__}
    return {"faults": [], "version": yaml.__version__}


def check_toml(code: str) -> Parsed:
    """TOML."""
    try:
        tomllib.loads(code)
    except tomllib.TOMLDecodeError as error:
        where = re.search(r"at line (\d+), column (\d+)", str(error))
        line, column = (int(where[1]), int(where[2])) if where else (max(1, code.count("\n")), 1)
        return {"faults": [fault(line, column, "toml", str(error))]}
    except RecursionError:
        return {"faults": [], "unknown": "nested too deeply"}
    return {"faults": []}


def check_xml(code: str) -> Parsed:
    """XML; a document that declares entities is not read at all."""
    if re.search(r"<!ENTITY", code, re.IGNORECASE):
        return {"faults": [], "unknown": "declares entities"}
    parser = expat.ParserCreate(namespace_separator=None)
    parser.SetParamEntityParsing(expat.XML_PARAM_ENTITY_PARSING_NEVER)
    try:
        parser.Parse(code.lstrip().encode("utf-8", "replace"), True)
    except expat.ExpatError as error:
        message = expat.errors.messages.get(error.code, str(error))
        if message in ("undefined entity", "unbound prefix"):
            return {"faults": [fault(error.lineno, error.offset + 1, "xml", message, advice=True)]}
        skipped = code[: len(code) - len(code.lstrip())].count("\n")
        return {"faults": [fault(error.lineno + skipped, error.offset + 1, "xml", message)]}
    return {"faults": []}
