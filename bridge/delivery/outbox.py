"""The outbox: one folder a job, complete when it is there."""

from __future__ import annotations

import json
import secrets
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path, PurePosixPath

from bridge.checking.destination import plain_name
from bridge.core import files
from bridge.core.errors import QueueNotWritable, UsageError
from bridge.core.paths import refuse
from bridge.core.text import as_json
from bridge.delivery.payload import HandOver, placed


def write_outbox(outbox: Path, what: HandOver, sarif: Mapping[str, object] | None) -> Path:
    """Write `outbox/<job>/`: `answer.md`, `result.json`, `report.sarif` and the code below `files/`; gives the folder.

    Written under a temporary name and renamed, so that whoever watches the outbox sees whole folders only. A folder of an
    earlier answer of the job is moved to `<job>.1`, `<job>.2`, ...

    Raises:
        QueueNotWritable: the outbox cannot be written, or is full; nothing is left behind.
    """
    final = outbox / what.job
    draft = outbox / f".{what.job}.{secrets.token_hex(4)}.tmp"
    try:
        for left in outbox.glob(f".{what.job}.*.tmp"):  # of a process that was killed: one writes a job at a time
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


def read_outbox(outbox: Path) -> Iterator[tuple[Path, dict[str, object]]]:
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


def _fill(folder: Path, what: HandOver, sarif: Mapping[str, object] | None) -> None:
    _write(folder / "result.json", as_json(what.to_json(), indent=1) + "\n")
    if what.answer is not None:
        _write(folder / "answer.md", what.answer)
    if sarif is not None:
        _write(folder / "report.sarif", as_json(sarif, indent=1) + "\n")
    root = folder / "files"
    places = {file.block: (path, file) for path, file in placed(what).items()}
    for number, own in enumerate(what.files, 1):
        path, file = places.get(own.block, (own.path, own))
        plain = root / plain_name(number, file.language)
        if path and refuse(path) is None:
            target = root / PurePosixPath(path)
            try:
                target.parent.mkdir(parents=True, exist_ok=True)
                if not target.exists():
                    _write(target, file.code)
                    continue
            except (FileExistsError, NotADirectoryError):
                pass  # `a` and `a/b`: one of them gets a name of ours
        plain.parent.mkdir(exist_ok=True)
        _write(plain, file.code)


def _write(path: Path, text: str) -> None:
    files.write_synced(path, text.encode("utf-8", "backslashreplace"))  # the folder takes its name when all are whole


def _free(taken: Path) -> Path:
    n = 1
    while (aside := taken.with_name(f"{taken.name}.{n}")).exists():
        n += 1
    return aside
