"""All patches of an answer, applied in memory to the files of a project, in order. Pure but for what `read` does."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass

from bridge.checking.patches.apply import settle
from bridge.checking.patches.base import FilePatch, ParsedPatch, PatchFault
from bridge.core.errors import UsageError

#: Gives what a file of the caller's project holds; None: there is none. Raises UsageError where that cannot be said.
ReadFile = Callable[[str], str | None]


@dataclass(frozen=True, kw_only=True)
class PatchedFile:
    """A file of a project before and after the patches of an answer."""

    path: str
    before: str | None  #: None: it is new
    text: str
    patches: tuple[tuple[int, FilePatch], ...]  #: (block, patch) of each that changes it, in order


@dataclass(frozen=True, kw_only=True)
class PatchMisfit:
    """Why a patch of an answer cannot be applied."""

    block: int
    path: str | None
    fault: PatchFault

    def __str__(self) -> str:
        """For people: the file, and the reason."""
        return (
            f"{self.path or 'a patch that names no file'}: {self.fault.reason} (line {self.fault.at + 1} of the patch)"
        )


@dataclass(frozen=True, kw_only=True)
class PatchSet:
    """What an answer's patches make of a project: all of `files`, or nothing if there are misfits."""

    files: tuple[PatchedFile, ...]
    misfits: tuple[PatchMisfit, ...]


def only_shows(targets: Collection[str], given: Collection[str]) -> bool:
    """Whether a patch only shows what is new in files that the answer gives whole: those that it names, or if it names none."""
    return bool(given) and all(path in given for path in targets)


def apply_all(patches: Iterable[tuple[int, ParsedPatch]], read: ReadFile, *, given: Collection[str] = ()) -> PatchSet:
    """What comes of the patches of some blocks.

    Args:
        patches: (block, patch), in the order of the answer.
        read: gives the project's files.
        given: paths that the answer gives as whole files; see `only_shows`.
    """
    files: dict[str, PatchedFile] = {}
    misfits: list[PatchMisfit] = []
    for block, parsed in patches:
        if only_shows(parsed.targets, given):
            continue
        misfits += [PatchMisfit(block=block, path=None, fault=fault) for fault in parsed.faults]
        for patch in parsed.files:
            if patch.path in given:
                continue
            found = _patched(block, patch, files, read)
            if isinstance(found, PatchFault):
                misfits.append(PatchMisfit(block=block, path=patch.path, fault=found))
            else:
                files[found.path] = found
    return PatchSet(files=tuple(files.values()), misfits=tuple(misfits))


def _patched(block: int, patch: FilePatch, files: dict[str, PatchedFile], read: ReadFile) -> PatchedFile | PatchFault:
    if patch.path is None:
        return PatchFault(at=patch.at, reason="it does not say which file it changes, and the job had no --out")
    known = files.get(patch.path)
    if known is None:
        try:
            before = read(patch.path)
        except UsageError as error:
            return PatchFault(at=patch.at, reason=str(error))
        known = PatchedFile(path=patch.path, before=before, text=before or "", patches=())
    now = None if known.before is None and not known.patches else known.text
    done = settle(patch, now)
    if isinstance(done, PatchFault):
        return done
    return PatchedFile(
        path=patch.path, before=known.before, text=done.text, patches=(*known.patches, (block, patch))
    )  # fmt: skip
