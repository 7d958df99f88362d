"""The outbox: one folder a job, complete when it is there."""

from __future__ import annotations

import json
import os
import secrets
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path, PurePosixPath
from typing import Any

from bridge.checking.extraction.paths import refuse
from bridge.checking.language import languages
from bridge.core.errors import QueueNotWritable, UsageError
from bridge.delivery import payload


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
        for left in outbox.glob(f".{what['job']}.*.tmp"):  # of a process that was killed: one writes a job at a time
            shutil.rmtree(left, ignore_errors=True)
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


def read_outbox(outbox: Path) -> Iterator[tuple[Path, dict[str, Any]]]:
    """(folder, payload) of each result that lies in an outbox; the payload has its `sarif` again. What is damaged is left out.

    Raises:
        UsageError: there is no such folder.
    """
    try:
        folders = sorted(outbox.iterdir())
    except OSError as error:
        raise UsageError(f"cannot read the outbox {outbox}: {error.strerror}") from error
    for folder in folders:
        try:
            what = json.loads((folder / "result.json").read_bytes())
            report = folder / "report.sarif"
            sarif = {"sarif": json.loads(report.read_bytes())} if report.exists() else {}
        except (OSError, ValueError):
            continue
        if isinstance(what, dict) and isinstance(what.get("files"), list):
            yield folder, {**what, **sarif}


def _fill(folder: Path, what: Mapping[str, Any], sarif: Mapping[str, Any] | None) -> None:
    _write(folder / "result.json", json.dumps(what, ensure_ascii=False, indent=1) + "\n")
    if what.get("answer") is not None:
        _write(folder / "answer.md", str(what["answer"]))
    if sarif is not None:
        _write(folder / "report.sarif", json.dumps(sarif, ensure_ascii=False, indent=1) + "\n")
    root = folder / "files"
    paths = {id(file): path for path, file in payload.placed(what).items()}
    for number, file in enumerate(what["files"], 1):
        plain = root / f"block-{number}.{languages.extension(file['language'])}"
        path = paths.get(id(file), file["path"])
        if path and refuse(path) is None:
            target = root / PurePosixPath(path)
            try:
                target.parent.mkdir(parents=True, exist_ok=True)
                if not target.exists():
                    _write(target, file["code"])
                    continue
            except (FileExistsError, NotADirectoryError):
                pass  # `a` and `a/b`: one of them gets a name of ours
        plain.parent.mkdir(exist_ok=True)
        _write(plain, file["code"])


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
