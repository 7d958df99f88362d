"""What is handed over of each shape in `shapes`: the paths, their texts, and the verdict."""

from __future__ import annotations

import pytest

from bridge.checking import Report, Role, Toolchain, examine
from bridge.checking.destination import destinations
from tests.checking.shapes import Shape, shapes

ALL = list(shapes())


def handed_over(report: Report, out: str | None) -> dict[str | None, str]:
    """{path: text} of what has a place, and of the largest file without a path if nothing else has one."""
    current = [b for b in report.blocks if b.current and b.role is not Role.WRAPPER]
    placed: dict[str | None, str] = {path: block.code for path, block in destinations(current, out).items()}
    loose = [b for b in current if not b.path and b.role in (Role.FILE, Role.CONTINUATION)]
    if not placed and loose:
        placed[None] = max(loose, key=lambda b: b.lines).code
    return placed


def test_there_are_at_least_sixty_shapes_each_with_a_name_of_its_own() -> None:
    assert len({shape.name for shape in ALL}) == len(ALL) >= 60


@pytest.mark.parametrize("shape", ALL, ids=lambda shape: shape.name)
def test_of_every_shape_is_handed_over_what_a_person_would_take(toolchain: Toolchain, shape: Shape) -> None:
    report = examine(
        shape.answer,
        prompt=shape.prompt,
        lang=shape.lang,
        out=shape.out,
        finish_reason=shape.finish,
        toolchain=toolchain,
    )
    assert handed_over(report, shape.out) == shape.wants
    assert report.verdict.value == shape.verdict, report.checks
