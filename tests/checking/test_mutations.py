"""A sample of `make mutations`: faults in real Python that is called clean, judged by CPython's compiler."""

from __future__ import annotations

from benchmarks.judges import judges
from benchmarks.mutations_report import measure
from bridge.checking import Toolchain

#: What other tests look at.
_APART = ("duplicate", "invented import")


def test_nine_of_ten_faults_are_not_called_clean_and_right_answers_raise_no_alarm(
    toolchain: Toolchain, real_answers: list[dict]
) -> None:
    python = {"python": judges()["python"]}
    found = measure(toolchain, real_answers, python, at_most=3, only="python")
    counted = {kind: tally for kind, tally in found.by_fault.items() if kind[0] not in _APART}
    tried, caught = sum(t.tried for t in counted.values()), sum(t.caught for t in counted.values())
    assert found.alarms == []
    assert tried >= 50
    assert caught >= 0.9 * tried, [missed for tally in counted.values() for missed in tally.missed]


def test_a_compiler_is_no_judge_where_it_is_not_installed(monkeypatch) -> None:
    monkeypatch.setenv("PATH", "")
    assert list(judges()) == ["python"]
