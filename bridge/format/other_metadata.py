"""A cell's metadata that is not ours: what a person or a tool put there, and which of two versions of it counts. Pure.

Editors keep no history, so our stamp says what stood there when the cell was last written by us (`other` in
queue_schema.json): metadata that differs from that was changed since, and a change counts over what it was made on. A tab that
saves an old copy has the old digest beside the old metadata, so it changes nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from hashlib import sha256

from bridge.format import fields, json_bytes
from bridge.format.raw_cell import RawCell, extras_of, stamp_of

#: What front ends write each time a cell runs. It is carried along, but no reason to write a file.
_OF_A_RUN = frozenset({"ExecuteTime", "collapsed", "execution", "executionInfo", "id", "outputId", "scrolled"})


@dataclass(frozen=True, kw_only=True)
class OtherMetadata:
    """Values, and how often they were changed."""

    values: Mapping[str, object] = field(default_factory=dict)
    edit: int = 0

    @property
    def digest(self) -> str:
        """16 hex digits that change when somebody changes the values; empty if there are none."""
        kept = {name: value for name, value in self.values.items() if name not in _OF_A_RUN}
        return sha256(json_bytes.canonical(kept)).hexdigest()[:16] if kept else ""

    def stamp(self) -> dict[str, object]:
        """What our stamp says of them; nothing, as long as there never were any."""
        digest = self.digest
        return {"other": {"edit": self.edit, "sha": digest}} if self.edit or digest else {}

    def join(self, other: OtherMetadata) -> OtherMetadata:
        """The one that counts: commutative, associative, idempotent."""
        return max(self, other, key=lambda it: (it.edit, len(it.values), json_bytes.canonical(it.values)))

    def after_a_save_without_stamps(self, saved: OtherMetadata) -> OtherMetadata:
        """These, and what a save says that dropped our stamp: nothing tells what it dropped from what a person took out."""
        values = {**self.values, **saved.values}
        both = OtherMetadata(values=values, edit=self.edit)
        return both if both.digest == self.digest else OtherMetadata(values=values, edit=self.edit + 1)


def other_metadata(raw: RawCell) -> OtherMetadata:
    """What stands on a cell; a change that nobody has stamped yet is counted."""
    found = OtherMetadata(values=extras_of(raw))
    stamp = stamp_of(raw)
    if not stamp:
        return found
    said = stamp.get("other")
    edit, digest = (said.get("edit"), said.get("sha")) if isinstance(said, dict) else (0, "")
    count = edit if isinstance(edit, int) and fields.is_count(edit) else 0
    return OtherMetadata(values=found.values, edit=count + (digest != found.digest))
