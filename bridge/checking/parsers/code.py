"""Python and SQL by parsers that run in Python."""

from __future__ import annotations

import ast
import logging
import re
import warnings
from importlib import metadata

from bridge.checking.parsers.base import Fault, Parsed, fault


def check_python(code: str) -> Parsed:
    """Python by the interpreter's own parser; what only its compiler finds (`return` outside of a function) too."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            ast.parse(code)
    except SyntaxError as error:
        return {
            "faults": [fault(error.lineno or 1, error.offset or 1, "invalid-syntax", error.msg or "invalid syntax")]
        }
    except ValueError as error:  # a NUL in the text
        return {"faults": [fault(1, 1, "invalid-syntax", str(error))]}
    except (RecursionError, MemoryError):
        return {"faults": [], "unknown": "nested too deeply"}
    return {"faults": []}


#: Tried in this order; a text is right if any of them reads it.
_DIALECTS = (
    "postgres",
    "mysql",
    "sqlite",
    "tsql",
    "bigquery",
    "snowflake",
    "oracle",
    "duckdb",
    "hive",
    "clickhouse",
)
_CLIENT_LINE = re.compile(
    r"(?im)^(?:\s*\\[a-z!?].*|\s*GO\s*;?\s*|\s*(?:\.(?:mode|headers|tables|schema|open|read|import|quit)\b.*)"
    r"|\s*USE\s+\S+\s*;?\s*|\s*SOURCE\s.*|\s*SET\s+\w+\s+(?:ON|OFF)\s*;?\s*)$"
)


def check_sql(code: str) -> Parsed:
    """SQL by sqlglot in any of ten dialects; a statement that it only stores as a command is unknown, not right."""
    try:
        import sqlglot  # optional, and only this function needs it
        from sqlglot import errors, exp
    except ImportError:
        return {"faults": [], "absent": "sqlglot"}
    version = metadata.version("sqlglot")
    logging.getLogger("sqlglot").setLevel(logging.CRITICAL)
    if re.search(r"(?im)^\s*DELIMITER\s", code):
        return {"faults": [], "unknown": "changes the delimiter", "version": version}
    text = _CLIENT_LINE.sub("", code)
    first: errors.SqlglotError | None = None
    for dialect in _DIALECTS:
        try:
            trees = sqlglot.parse(text, dialect=dialect)
        except errors.SqlglotError as error:
            first = first or error
            continue
        except RecursionError:
            return {"faults": [], "unknown": "nested too deeply", "version": version}
        odd = [tree for tree in trees if tree is not None and not _is_statement(tree, exp)]
        if any(isinstance(tree, exp.Command) for tree in trees):
            return {
                "faults": [],
                "unknown": "holds a statement that no dialect knows",
                "version": version,
            }
        if odd:
            return {"faults": [fault(1, 1, "sql", "is no statement")], "version": version}
        return {"faults": [], "version": version}
    return {"faults": [_place(first, code)], "version": version}


def _is_statement(tree: object, exp: object) -> bool:
    """sqlglot reads any expression as a statement: `hello world` is a column with an alias."""
    return not isinstance(tree, getattr(exp, "Alias", ())) and not isinstance(tree, getattr(exp, "Column", ()))


def _place(error: object, code: str) -> Fault:
    details = getattr(error, "errors", None) or [{}]
    line = details[0].get("line") or 1
    column = details[0].get("col") or 1
    message = details[0].get("description") or str(error).partition("\n")[0]
    return fault(min(int(line), code.count("\n") + 1), int(column), "sql", str(message))
