"""What the names in a queue's folder say: whose second copy it probably is, and which files are nobody's business yet.

A name never decides whether a file is a second copy: that is done by the `queue_id` in it. The names are those of facts on
Drive, section 3.2; a client that changed its words is still folded in, only its name is then not known.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

#: Temporary files of editors and sync clients, and our own: `.~f` (Jupyter), `~$f` (Office), `.syncthing.f.tmp`, `f.partial`
#: (rclone), `f.crdownload` (browsers), `._f` (macOS), `.tmp.driveupload` (Drive for Desktop) and so on.
_TEMPORARY = re.compile(
    r"(?:\..*|~\$.*|~syncthing~.*|desktop\.ini|thumbs\.db|.*-checkpoint\.ipynb|.*~"
    r"|.*\.(?:tmp|partial|part|crdownload|filepart|sw[po]))\Z",
    re.IGNORECASE,
)
#: A notebook, also by the name that rclone bisync gives to both sides of a conflict.
_NOTEBOOK = re.compile(r".*\.ipynb(?:\.[\w.-]*(?:conflict|path)\d+)?\Z", re.IGNORECASE)

_DATE = r"\d{4}-\d{2}-\d{2}"
#: (who makes it, whether the name alone is proof enough that it is a second copy, what comes before the name and after it)
_MAKERS: tuple[tuple[str, bool, str, str], ...] = (
    ("Syncthing", True, "", r"\.sync-conflict-\d{8}-\d{6}(?:-[A-Z0-9]{7})?\.ipynb"),
    ("ownCloud or Nextcloud", True, "", rf" \(conflicted copy {_DATE} \d{{6}}\)\.ipynb|_conflict-\d{{8}}-\d{{6}}\.ipynb"),
    ("Dropbox", True, "", rf" \((?:.+?['’]s )?(?:conflicted copy|case conflict)(?: {_DATE})?(?: \d+)?\)\.ipynb"),
    ("rclone bisync", True, "", r"\.ipynb\.(?:[\w.-]*conflict\d+|\.?path\d+)|\.(?:[\w.-]*conflict\d+|\.?path\d+)\.ipynb"),
    ("an older Drive client", True, "", r"_conf\(\d+\)\.ipynb"),
    ("pCloud or an older Drive client", True, "", r" ?[\[(]conflict(?:ed)?(?: \d+)?[\])]\.ipynb"),
    ("Drive for Desktop or a browser, probably", True, "", r" \(\d{1,3}\)\.ipynb"),
    ("Drive or Colab, probably", True, r"(?:Copy of|Kopie von|Copie de|Copia de|Cópia de|Копия) ", r"\.ipynb"),
    ("iCloud or Drive for Desktop on macOS, probably", True, "", r" \d{1,2}\.ipynb"),
    ("a sync client", False, "", r" \([^()]*\)\.ipynb"),  # in a language that is not known here
    ("OneDrive, probably", False, "", r"-[\w.]+(?:-[\w.]+)*\.ipynb"),  # the host's name: may be any word
)  # fmt: skip


#: A file that bears a further part's title, and a number (clients) or an id (ours) because another one has that title, too.
_TWIN = re.compile(r"(?P<part>.+\.part-\d{4,})(?: \(\d{1,3}\))?(?: \([\w-]{8}\))?\.ipynb", re.ASCII)


@dataclass(frozen=True, kw_only=True)
class ConflictCopyName:
    """What a name says of a second copy."""

    maker: str  #: for messages; "probably" stands in it where several programs use such names
    telling: bool  #: False: the name may as well be a person's choice for something else


def is_notebook(name: str) -> bool:
    """Whether a file may be a notebook, or a second copy of one. Temporary files are none."""
    return bool(_NOTEBOOK.match(name)) and not is_temporary(name)


def is_temporary(name: str) -> bool:
    """Whether a file is on its way to become another, or an editor's or system's own."""
    return bool(_TEMPORARY.match(name))


def is_further_part(name: str) -> bool:
    """Whether a file is called as parts 2 and up are."""
    return bool(_TWIN.fullmatch(name)) and twin_of(name) is None


def twin_of(name: str) -> str | None:
    """The name of the further part that a file may be to others, who see another one as the second copy; None: it is none.

    Only Drive keeps two files of one title in a folder; elsewhere such a name is the same for everybody.
    """
    match = _TWIN.fullmatch(name)
    part = f"{match['part']}.ipynb" if match else name
    return part if part != name else None


def conflict_copy_name(name: str, stem: str) -> ConflictCopyName | None:
    """What a file name says, if it is that of a second copy of part 1 or a further part of the queue with this stem."""
    part = rf"{re.escape(stem)}(?:\.part-\d{{4,}})?"
    for maker, telling, before, after in _MAKERS:
        if re.fullmatch(f"{before}{part}(?:{after})", name, re.IGNORECASE):
            return ConflictCopyName(maker=maker, telling=telling)
    return None


def conflict_copy_maker(name: str, stem: str) -> str | None:
    """Who made a second copy, as far as its name tells: "Syncthing", "OneDrive, probably"; None: it does not."""
    found = conflict_copy_name(name, stem)
    return found.maker if found else None
