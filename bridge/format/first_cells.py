"""What the first cells of a queue hold, by SHA-256: to tell that a cell is ours, none has to be built. Pure.

Made by `python -m tests.support.shipped`; a test compares.
"""

from __future__ import annotations

from collections.abc import Mapping

#: {id of a cell that this version writes: digest of its source, the choices in a form as they are at first}
FIRST_CELLS: Mapping[str, str] = {
    "bridge-about": "1b64f38c2c58597d58c4f2cb9053e9f011b368b172a50d8efd4cd16e625b979b",
    "bridge-runtime": "3d56843091777c1948097959fd704b483e069e894031f50b754a0cd200915a9e",
    "bridge-setup": "dbe4c4dc3b2a1fbcf732530fd7e6f9f3433cce8a9e3cf8ee046cd9245903377e",
    "bridge-prompts": "7450b531a3988c9a6fde7d5ab8f8e5d845b04c9fa63e9f7543dcd297a9f9349c",
}
