"""The keys of a queue on this machine: which results are signed by them, and which results count. Pure.

A result is judged once, where it comes in (store/ingest_version.py): one whose signature is wrong never counts, one without any does not
if signatures are required. What was set aside stays listed among the job's attempts, and the job waits for another answer.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace
from enum import Enum

from bridge.core.job import Attempt, Job, Result, join_attempts
from bridge.format import prompt_cell, result_record
from bridge.kernel import grammar, signing

#: Attempts up to which the floor of a job is raised for a result that is set aside: a forged number must not use up all numbers.
_MOST_RAISED = 10_000


class SignatureState(Enum):
    """What a result's signature is worth here."""

    SIGNED = "signed"  # by a key of this queue
    UNSIGNED = "unsigned"  # it has none
    UNKNOWN_KEY = "unknown key"  # by a key that this machine does not have
    FORGED = "forged"  # it names a key of this queue and is not of it, or the record was changed


@dataclass(frozen=True, kw_only=True)
class KeyRing:
    """The keys that this machine has of a queue, the one to sign with first. Their text is never shown."""

    keys: tuple[str, ...] = ()
    required: bool = False  #: results that none of the keys signed do not count

    def __repr__(self) -> str:
        return f"KeyRing({', '.join(self.ids)}{', required' if self.required else ''})"

    @property
    def ids(self) -> tuple[str, ...]:
        """What the keys are called."""
        return tuple(map(signing.key_id, self.keys))

    @property
    def tag(self) -> str:
        """Changes when results have to be judged anew."""
        return ",".join((*sorted(self.ids), *(["required"] if self.required else [])))

    def sign(self, result: Result) -> Result:
        """The result with this machine's signature; without a key, as it is."""
        if not self.keys:
            return result
        record = grammar.sealed(result_record.record_of(result), result_record.text_below(result))
        return replace(result, signature=signing.signature(record, self.keys[0]))

    def state(self, result: Result) -> SignatureState:
        """What a result's signature is worth."""
        if result.signature is None:
            return SignatureState.UNSIGNED
        named = result.signature.partition(":")[0]
        for key, known in zip(self.keys, self.ids, strict=True):
            if known == named:
                record = grammar.sealed(result_record.record_of(result), result_record.text_below(result))
                return SignatureState.SIGNED if signing.is_signed_by(record, key) else SignatureState.FORGED
        return SignatureState.UNKNOWN_KEY

    def counts(self, result: Result) -> bool:
        """Whether a result may count."""
        if not self.keys and not self.required:
            return True
        state = self.state(result)
        return state is SignatureState.SIGNED if self.required else state is not SignatureState.FORGED

    def judged(self, job: Job, known: Collection[Result] = ()) -> tuple[Job, tuple[Result, ...]]:
        """The job without the results that do not count, and those. `known`: results that were judged before."""
        judged = {result.identity for result in known}
        aside = tuple(r for r in job.results if r.identity not in judged and not self.counts(r))
        if not aside:
            return job, ()
        left = job.evolve(
            results=tuple(result for result in job.results if result not in aside),
            attempts=join_attempts(job.attempts, tuple(self._listed(result) for result in aside)),
        )
        return _waiting_again(left, aside), aside

    def _listed(self, result: Result) -> Attempt:
        listed = prompt_cell.summary(result)
        return replace(listed, error=f"does not count: {self.state(result).value}")


def _waiting_again(job: Job, aside: Collection[Result]) -> Job:
    """The job put back into the queue, if nothing is left that counts: so that every side sees it as open."""
    digest = grammar.prompt_sha256(job.spec.body)
    if job.is_cancelled or job.best(digest) is not None:
        return job
    tops = [r.attempt for r in aside if job.counts(r, digest) and r.attempt <= _MOST_RAISED]
    return job.evolve(attempt_floor=max(tops)) if tops else job
