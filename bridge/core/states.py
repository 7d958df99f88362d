"""The states of a job, and every way from one to another: the table that the code obeys and docs/architecture.md draws.

What a command or a worker does is refused in one place, `require`, if no edge of that kind leaves the job's state. What people
and other machines did cannot be refused; seen from here, a job may then take several of these edges at once.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from bridge.core.errors import WrongState


class State(Enum):
    """Where a job stands. The first seven follow from its cell alone, the last three are the local side's knowledge."""

    QUEUED = "queued"  # waits for a worker
    RUNNING = "running"  # a worker holds a lease that has not run out
    SUCCEEDED = "succeeded"  # has a complete answer
    TRUNCATED = "truncated"  # has an answer that was cut at the token limit
    FAILED = "failed"  # gave up; the error is on the job, also when the caller has it
    BROKEN = "broken"  # a person's edit left a header that cannot be read; waits to be mended
    CANCELLED = "cancelled"  # taken back, or its cell deleted, before it was done
    CHECKED = "checked"  # its code was extracted and checked
    DELIVERED = "delivered"  # its checked result was handed over to the caller
    ARCHIVED = "archived"  # moved to an archive notebook


class Move(Enum):
    """What happens to a job. The value is the letter that the drawing and the documents use."""

    CLAIM = "a"  # a worker takes it: attempt and lease are in the cell
    SUCCEED = "b"  # a complete answer is in the cell
    TRUNCATE = "c"  # an answer is in the cell that ended at the token limit
    FAIL = "d"  # no attempts are left, or the error allows none
    CHECK = "e"  # its code was extracted and checked; a cut one was continued first, if possible
    DELIVER = "f"  # the caller has the checked result
    ARCHIVE = "g"  # its cell moves to an archive notebook
    REPAIR = "h"  # a repair round is enqueued as a child job; this job itself stays checked
    BREAK = "k"  # a person's edit left a header that cannot be read
    MEND = "m"  # the header was mended: the job stands where it stood
    BETTER = "n"  # a result that counts more arrives late, from another worker or machine
    ANSWER = "p"  # `bridge answer`: a person brings the answer
    RETRY = "q"  # `bridge retry`: what it has so far does not count any more
    RELEASE = "r"  # the lease ran out or was given back
    EDIT = "t"  # a person edited the prompt: the result does not answer it any more
    CANCEL = "x"  # `bridge cancel`, or its cell was deleted; a result that still arrives is kept and wins


@dataclass(frozen=True, kw_only=True)
class Edge:
    """One arrow of the state diagram."""

    move: Move
    source: State
    target: State

    @property
    def letter(self) -> str:
        """What the documents call its move."""
        return self.move.value


_WAITING = "queued running"
_ANSWERED = "succeeded truncated failed checked delivered"

#: Every way from one state to another: (letter, sources, targets). docs/architecture.md draws the same letters; a test compares.
EDGES: tuple[Edge, ...] = tuple(
    Edge(move=Move(letter), source=State(source), target=State(target))
    for letter, sources, targets in (
        ("a", "queued", "running"),
        # From queued: by Run all, which writes no lease, or by a worker whose lease was never seen here or ran out.
        ("b", _WAITING, "succeeded"),
        ("c", _WAITING, "truncated"),
        ("d", _WAITING, "failed"),
        ("e", "succeeded truncated", "checked"),
        ("f", "checked", "delivered"),
        ("g", f"{_ANSWERED} cancelled", "archived"),
        ("h", "checked", "queued"),
        ("k", f"{_WAITING} {_ANSWERED}", "broken"),
        ("m", "broken", f"{_WAITING} {_ANSWERED}"),
        ("n", "failed cancelled checked delivered", "succeeded truncated"),
        ("n", "truncated", "succeeded"),
        ("p", f"{_WAITING} failed cancelled", "succeeded"),
        ("q", f"{_ANSWERED} cancelled archived", "queued"),
        ("q", "cancelled archived", "broken"),  # its header was broken meanwhile
        ("r", "running", "queued"),
        # Without its answer, a lease or a cancellation that the answer had overcome counts again.
        ("t", _ANSWERED, f"{_WAITING} cancelled"),
        # The edit was undone: what answered the prompt before does so again.
        ("t", f"{_WAITING} cancelled", _ANSWERED),
        ("x", f"{_WAITING} broken", "cancelled"),
    )
    for source in sources.split()
    for target in targets.split()
)

_REFUSALS = {
    Move.CANCEL: "job {job} is {state} already: there is nothing left to cancel",
    Move.RETRY: "job {job} is {state}: it waits for its answer already",
    Move.ANSWER: "job {job} is {state}: `bridge retry {job}` first, if it needs another answer",
    Move.ARCHIVE: "job {job} is {state}: only finished jobs can be archived",
    Move.EDIT: "job {job} is {state}: `bridge retry {job}` first, then edit it",
    Move.CLAIM: "job {job} is {state}: only queued jobs can be claimed",
}


def sources(move: Move) -> frozenset[State]:
    """The states from which a move is allowed."""
    return frozenset(edge.source for edge in EDGES if edge.move is move)


def require(move: Move, job: str, state: State) -> None:
    """Refuse a move that no edge of the table makes from a job's state. Raises WrongState."""
    if state not in sources(move):
        raise WrongState(_REFUSALS[move].format(job=job, state=state.value))


#: Waits for an answer, or gets one: nobody has to do anything for a worker to go on with it.
UNDER_WAY = frozenset(state for edge in EDGES if edge.move is Move.CLAIM for state in (edge.source, edge.target))
#: What a cell's own result says, before anybody looked at it.
ANSWERED = frozenset(edge.target for edge in EDGES if edge.move in (Move.SUCCEED, Move.TRUNCATE, Move.FAIL))
