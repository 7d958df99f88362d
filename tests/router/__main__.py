"""`python -m tests.router`: how often the classifier and the list of keywords are right, as docs/benchmarks.md has it.

`--wrong` names what is wrong in the half that may be looked at.
"""

from __future__ import annotations

import sys

from tests.router.classifying import confusion
from tests.router.prompts import by_keywords, by_signs, ours, shared


def main() -> None:
    """Print the table."""
    print("| prompts | judge | code as code | code as general | general as code | general as general | balanced |")
    print("|---|---|---|---|---|---|---|")
    for half, held_out in (("tuned on", False), ("held out", True)):
        own = ours(held_out=held_out)
        for name, rows in (("ours", own), ("ours and shared", [*own, *shared(held_out=held_out)])):
            for judge, decide in (("keyword list", by_keywords), ("classifier", by_signs)):
                c = confusion(rows, decide)
                counts = f"{c.code_as_code} | {c.code_as_general} | {c.general_as_code} | {c.general_as_general}"
                print(f"| {name}, {half} | {judge} | {counts} | {c.balanced:.1%} |")
    if "--wrong" in sys.argv:
        for row in [*ours(held_out=False), *shared(held_out=False)]:
            if by_signs(row.text) is not row.role:
                print(row.role.value, "|", row.text[:150])


if __name__ == "__main__":
    main()
