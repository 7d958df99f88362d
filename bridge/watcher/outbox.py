"""The outbox: one folder a job, complete when it is there."""

from __future__ import annotations

import json
import os
import secrets
import shutil
from collections.abc import Mapping
from pathlib import Path, PurePosixPath
from typing import Any

from bridge.errors import QueueNotWritable
from bridge.results import languages


def write_outbox(outbox: Path, what: Mapping[str, Any], sarif: Mapping[str, Any] | None) -> Path:
    """Write `outbox/<job>/`: `answer.md`, `result.json`, `report.sarif` and the code below `files/`; gives the folder.

    Written under a temporary name and renamed, so that whoever watches the outbox sees whole folders only. A folder of an
    earlier answer of the job is moved to `<job>.1`, `<job>.2`, ...

    Raises:
        QueueNotWritable: the outbox cannot be written, or is full; nothing is left behind.
    """
    final = outbox / str(what["job"])
    draft = outbox / f".{what['job']}.{secrets.token_hex(4)}.tmp"
    try:
        draft.mkdir(parents=True)
        try:
            _fill(draft, what, sarif)
            if final.exists():
                if (final / "result.json").read_bytes() == (draft / "result.json").read_bytes():
                    shutil.rmtree(draft)
                    return final
                final.rename(_free(final))
            draft.rename(final)
        except BaseException:
            shutil.rmtree(draft, ignore_errors=True)
            raise
    except OSError as error:
        raise QueueNotWritable(f"cannot write the outbox {final}: {error.strerror or error}") from error
    return final


def _fill(folder: Path, what: Mapping[str, Any], sarif: Mapping[str, Any] | None) -> None:
    _write(folder / "result.json", json.dumps(what, ensure_ascii=False, indent=1) + "\n")
    if what.get("answer") is not None:
        _write(folder / "answer.md", str(what["answer"]))
    if sarif is not None:
        _write(folder / "report.sarif", json.dumps(sarif, ensure_ascii=False, indent=1) + "\n")
    for number, file in enumerate(what["files"], 1):
        name = file["path"] or f"block-{number}.{languages.extension(file['language'])}"
        path = PurePosixPath(name)
        if path.is_absolute() or ".." in path.parts:
            continue  # the extractor refuses such a path already; this is the second lock
        target = folder / "files" / path
        target.parent.mkdir(parents=True, exist_ok=True)
        _write(target, file["code"])


def _write(path: Path, text: str) -> None:
    with path.open("w", encoding="utf-8", errors="backslashreplace", newline="") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())


def _free(taken: Path) -> Path:
    n = 1
    while (aside := taken.with_name(f"{taken.name}.{n}")).exists():
        n += 1
    return aside
