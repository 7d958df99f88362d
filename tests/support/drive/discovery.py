"""Each request held against the Drive v2 discovery document that ships in google-api-python-client.

The document is Google's own (`googleapiclient/discovery_cache/documents/drive.v2.json`), so a call that passes here has a
path, parameters, body and upload protocol that the API has. What does not is a violation: Refusal with `violation` set.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from functools import cache
from typing import Any

from tests.support.drive import fields
from tests.support.drive.values import Json, Refusal, invalid

BASE = "/drive/v2/"
UPLOAD_PARAMETERS = ("upload_id",)  # of a session's own address; no client builds it
_FORMATS = {
    "int32": r"-?\d{1,10}",
    "int64": r"-?\d{1,19}",
    "uint32": r"\d{1,10}",
    "date-time": r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)",
}
_JSON_TYPES: dict[str, tuple[type, ...]] = {
    "string": (str,),
    "boolean": (bool,),
    "integer": (int,),
    "number": (int, float),
    "object": (dict,),
    "array": (list,),
}


@dataclass(frozen=True, kw_only=True)
class Call:
    """A request as the API understands it."""

    name: str  #: such as `files.update`; a download (alt=media) is `files.download`
    method: Json  #: as the document has it
    params: dict[str, Any]  #: path and query, as their types say, with defaults
    upload: str = ""  #: media, multipart, resumable or none
    tree: fields.Tree | None = None  #: what `fields` selects; None: all

    def __getitem__(self, name: str) -> Any:
        return self.params.get(name)


@cache
def document() -> Json:
    """The Drive v2 document."""
    from googleapiclient.discovery_cache import get_static_doc

    return dict(json.loads(get_static_doc("drive", "v2")))


@cache
def _routes() -> list[tuple[str, re.Pattern[str], str, str, Json]]:
    """(HTTP method, path, name, upload protocol or "", method) of all that the document has."""
    rows = []
    for resource, value in document()["resources"].items():
        for verb, method in value["methods"].items():
            name = f"{resource}.{verb}"
            rows.append((method["httpMethod"], _path(BASE + method["path"]), name, "", method))
            for protocol, how in method.get("mediaUpload", {}).get("protocols", {}).items():
                rows.append((method["httpMethod"], _path(how["path"]), name, protocol, method))
    # `files/generateIds` before `files/{fileId}`
    return sorted(rows, key=lambda row: row[1].pattern.count("(?P"))


def _path(template: str) -> re.Pattern[str]:
    return re.compile(re.sub(r"\{(\w+)\}", r"(?P<\1>[^/]+)", template))


def understand(http_method: str, path: str, query: dict[str, list[str]]) -> Call:
    """The call. Raises Refusal."""
    found = [(m, route) for route in _routes() if (m := route[1].fullmatch(path))]
    here = [(m, route) for m, route in found if route[0] == http_method]
    if not here:
        known = sorted({route[0] for _, route in found})
        raise _wrong(f"{http_method} {path} is not in the API" + (f"; that path has {known}" if known else ""))
    match, (_, _, name, protocol, method) = here[0]
    upload = _upload(name, protocol, method, path, query)
    params = {k: v.get("default") for k, v in method.get("parameters", {}).items() if "default" in v}
    params = {k: _value(k, v, method["parameters"][k]) for k, v in params.items()}
    given = {**{k: [v] for k, v in match.groupdict().items()}, **query}
    everywhere = document()["parameters"]
    for key, values in given.items():
        schema = method.get("parameters", {}).get(key) or everywhere.get(key)
        if schema is None:
            if upload and key in UPLOAD_PARAMETERS:
                continue
            raise _wrong(f"{name} has no parameter {key!r}", key)
        if len(values) > 1 and not schema.get("repeated"):
            raise _wrong(f"{key} is given {len(values)} times", key)
        params[key] = _value(key, values[-1], schema)
    for key, schema in method.get("parameters", {}).items():
        if schema.get("required") and key not in given:
            raise _wrong(f"{name} needs {key}", key)
    if params.get("alt") == "media":
        if not method.get("supportsMediaDownload"):
            raise _wrong(f"{name} has no media to download", "alt")
        name = name.replace(".get", ".download")
    elif params.get("alt") == "proto":
        raise _wrong("the stand-in speaks JSON only", "alt")
    tree = _selection(params.get("fields"), method)
    return Call(name=name, method=method, params=params, upload=upload, tree=tree)


def _upload(name: str, protocol: str, method: Json, path: str, query: dict[str, list[str]]) -> str:
    kind = query.get("uploadType", [""])[-1]
    if not protocol:
        if kind:
            raise _wrong(f"uploadType belongs to {path.replace(BASE, '/upload' + BASE)}", "uploadType")
        return ""
    kinds = {"simple": ("media", "multipart", "resumable"), "resumable": ("resumable",)}[protocol]
    if not method.get("supportsMediaUpload") or kind not in kinds:
        raise _wrong(f"{name} at {path} takes uploadType {' or '.join(kinds)}, not {kind!r}", "uploadType")
    return kind


def _selection(text: str | None, method: Json) -> fields.Tree | None:
    if not text:
        return None
    tree = fields.parse(text)
    fields.check(tree, method.get("response", {}), document()["schemas"])
    return None if set(tree) == {"*"} else tree


def _value(key: str, text: str, schema: Json) -> Any:
    kind = schema.get("type", "string")
    if kind == "boolean":
        if text not in ("true", "false"):
            raise _wrong(f"{key} is true or false, not {text!r}", key)
        return text == "true"
    if "enum" in schema and text not in schema["enum"]:
        raise _wrong(f"{key} is one of {schema['enum']}, not {text!r}", key)
    for pattern in (schema.get("pattern"), _FORMATS.get(schema.get("format", ""))):
        if pattern and not re.fullmatch(pattern, text):
            raise _wrong(f"{key} does not look like {text!r}", key)
    if kind != "integer":
        return text
    if not re.fullmatch(r"-?\d+", text):
        raise _wrong(f"{key} is a whole number, not {text!r}", key)
    if not int(schema.get("minimum", -(2**31))) <= int(text) <= int(schema.get("maximum", 2**31 - 1)):
        raise _wrong(f"{key} may not be {text}", key)
    return int(text)


def check_body(call: Call, body: Any) -> Json:
    """The body without what is read-only, which Google ignores. Raises Refusal for what the schema does not have."""
    if "request" not in call.method:
        if body not in (None, {}):
            raise _wrong(f"{call.name} takes no body")
        return {}
    if body is None:
        return {}
    if not isinstance(body, dict):
        raise _wrong(f"{call.name} takes a JSON object")
    clean = _checked(body, {"$ref": call.method["request"]["$ref"]}, call.method["request"]["$ref"], writing=True)
    return dict(clean)


def check_answer(call: Call, answer: Json) -> None:
    """Raises Refusal for an answer that the API's schema does not have: a defect of the stand-in."""
    if "response" in call.method:
        _checked(answer, call.method["response"], call.method["response"]["$ref"], writing=False)


def read_only(schema: Json) -> bool:
    return bool(schema.get("readOnly")) or schema.get("description", "").startswith("Output only")


def _checked(value: Any, schema: Json, where: str, *, writing: bool) -> Any:
    """The value without read-only members."""
    if "$ref" in schema:
        schema = document()["schemas"][schema["$ref"]]
    kind = schema.get("type", "any")
    allowed = _JSON_TYPES.get(kind)
    if value is None and writing:
        return None
    if allowed and (not isinstance(value, allowed) or (isinstance(value, bool) and bool not in allowed)):
        raise _wrong(f"{where} is of type {kind}, not {type(value).__name__}")
    if kind == "array":
        return [_checked(v, schema["items"], f"{where}[]", writing=writing) for v in value]
    if kind == "object":
        return _members(value, schema, where, writing=writing)
    pattern = _FORMATS.get(schema.get("format", ""))
    if kind == "string" and pattern and not re.fullmatch(pattern, value):
        raise _wrong(f"{where} is a {schema['format']}, not {value!r}")
    if "enum" in schema and value not in schema["enum"]:
        raise _wrong(f"{where} is one of {schema['enum']}, not {value!r}")
    return value


def _members(value: Json, schema: Json, where: str, *, writing: bool) -> Json:
    known, clean = schema.get("properties", {}), {}
    for name, inner in value.items():
        below = known.get(name) or schema.get("additionalProperties")
        if below is None:
            raise _wrong(f"{where} has no member {name!r}")
        checked = _checked(inner, below, f"{where}.{name}", writing=writing)
        if not (writing and read_only(below)):
            clean[name] = checked
    return clean


def check_scopes(call: Call, scopes: frozenset[str]) -> None:
    """Raises Refusal (403, counted as a violation) for a token that may not do this."""
    if not scopes & set(call.method.get("scopes", ())):
        raise Refusal(
            403,
            "insufficientPermissions",
            "Insufficient Permission: Request had insufficient authentication scopes.",
            headers={
                "WWW-Authenticate": 'Bearer realm="https://accounts.google.com/", error="insufficient_scope", '
                f'scope="{" ".join(call.method.get("scopes", ()))}"'
            },
            violation=True,
        )


def _wrong(message: str, location: str = "") -> Refusal:
    return invalid(message, location=location)
