"""Which targets a task goes to, in which order, and every reason for it. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from bridge.kernel.fit import AUTO
from bridge.router.classify import classify
from bridge.router.domains import domain_of
from bridge.router.size import WantedSize, wanted_size
from bridge.router.targets import Domain, RouteRole, Target, Targets
from bridge.router.task import Task


@dataclass(frozen=True, kw_only=True)
class RouteChoice:
    """One target of a decision."""

    target: str
    model: str | None = None  #: asked for there; None: the target's own, or one of the wanted size


@dataclass(frozen=True, kw_only=True)
class Decision:
    """Where a task goes."""

    role: RouteRole
    size: WantedSize
    language: str | None
    private: bool
    order: tuple[RouteChoice, ...]  #: empty: nobody but the queue, if that
    may_queue: bool
    models: tuple[str, ...] = ()  #: that its domain prefers
    reasons: tuple[str, ...] = ()


def choose(task: Task, targets: Targets, *, stays: str | None = None, off: Mapping[str, str] | None = None) -> Decision:
    """The order in which targets are asked. `stays`: the target that this conversation has; `off`: {target: why it is not asked}."""
    off = off or {}
    kind = classify(task.prompt)
    is_code = task.has_tools or task.fills_in or kind.role is RouteRole.CODING
    role = RouteRole.CODING if is_code else RouteRole.REASONING
    size = wanted_size(task)
    why = "it offers tools" if task.has_tools else "it completes code" if task.fills_in else ""
    reasons = [f"role {role.value}: {why or '; '.join(kind.signs[:3]) or 'no sign of code'}"]
    reasons.append(f"size {size.size}: {size.reason}")
    domain = domain_of(targets.domains, task.wish.domain, task.files)
    if domain is not None:
        reasons.append(f"domain {domain.name}: prefers {', '.join(domain.models) or 'no model'}")
    named = _named(task, targets)
    order: list[RouteChoice] = []
    for name in _wanted(task, targets, role, domain, named, stays, reasons):
        if reason := _against(name, task, targets, off):
            reasons.append(f"not {name}: {reason}")
        else:
            order.append(RouteChoice(target=name, model=_model(task, targets.known[name], named)))
    if task.private:
        reasons.append("private: only targets that may read it, and not the queue")
    return Decision(
        role=role, size=size, language=kind.language, private=task.private, order=tuple(order), reasons=tuple(reasons),
        may_queue=not task.private and task.wish.target is None,
        models=domain.models if domain is not None and task.model in (None, AUTO) else (),
    )  # fmt: skip


def _wanted(
    task: Task, targets: Targets, role: RouteRole, domain: Domain | None, named: str | None, stays: str | None, reasons: list[str]
) -> Iterator[str]:  # fmt: skip
    """The names, each once, the first choice first; says why."""
    if task.wish.target is not None:
        reasons.append(f"target {task.wish.target}: asked for by name, and no other")
        yield task.wish.target
        return
    if named is not None:
        reasons.append(f"target {named}: its name is the model's")
    order = targets.order(role)
    if stays in order and named is None:
        reasons.append(f"target {stays}: the conversation stays there")
    preferred = [name for model in domain.models for name in order if targets.known[name].model == model] if domain else []  # fmt: skip
    reasons.append(f"order of {role.value}: {', '.join(order) or 'nobody'}")
    yield from dict.fromkeys((*([named] if named else []), *([stays] if stays in order and stays else []), *preferred, *order))  # fmt: skip


def _against(name: str, task: Task, targets: Targets, off: Mapping[str, str]) -> str:
    """Why a target cannot have a task; empty: it can."""
    target = targets.known.get(name)
    if target is None:
        return f"there is no such target; known are {', '.join(targets.known)}"
    if name in off:
        return off[name]
    if name in task.wish.avoid:
        return "the request asks to avoid it"
    if task.private and not _may_read(target):
        return "the request is private, and the target is not"
    if target.context_tokens is not None and task.tokens > target.context_tokens:
        return f"about {task.tokens} tokens are more than the {target.context_tokens} that it reads"
    return ""


def _may_read(target: Target) -> bool:
    return target.is_local or target.takes_private


def _named(task: Task, targets: Targets) -> str | None:
    """The target whose name the model's is: `gemini`, or `gemini/gemini-2.5-pro`."""
    name = (task.model or "").partition("/")[0]
    return name if name in targets.known else None


def _model(task: Task, target: Target, named: str | None) -> str | None:
    """The model that is asked for at a target, in the target's own words; a target that has one of its own is asked for that."""
    if task.model in (None, AUTO):
        return None
    if named is None:
        return task.model if target.model is None else None
    return task.model.partition("/")[2] or None if target.name == named else None
