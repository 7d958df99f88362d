"""The router's targets, from the settings."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from bridge.core.errors import UsageError
from bridge.engines.address import is_public
from bridge.engines.base import Engine
from bridge.kernel import address
from bridge.router.choice import Decision, choose
from bridge.router.ledger import UsageLedger
from bridge.router.prices import PriceBook, TokenPrice
from bridge.router.switches import Switches, switched_off
from bridge.router.targets import Domain, RouteRole, Target, Targets
from bridge.router.task import Task
from bridge.router.usage import CallFact
from bridge.wiring.engines import engine_address, open_engine
from bridge.wiring.settings import EngineKind, EngineSettings, RouterSettings, Settings
from bridge.wiring.site import state_folder


def targets_of(settings: Settings, home: EngineSettings, environ: Mapping[str, str] = os.environ) -> Targets:
    """The targets. `home`: the engine that the gateway has anyway, which is one of them."""
    router = settings.router
    named = {name for role in RouteRole for name in getattr(router, role.value)} | set(router.fallback)
    engines = {**settings.engines, home.name: settings.engines.get(home.name, home)}
    known = {
        name: _target(engines.get(name) or EngineSettings(name=name, kind=EngineKind(name)), environ)
        for name in (*dict.fromkeys((*engines, *sorted(named))),)
        if name != "queue" and (name in engines or name in {kind.value for kind in EngineKind})
    }
    return Targets(
        known={name: target for name, target in known.items() if name in named or name == home.name},
        lists={role: getattr(router, role.value) for role in RouteRole if getattr(router, role.value)},
        fallback=router.fallback,
        fallback_to_local=router.fallback_to_local,
        domains=domains_of(settings),
    )


def domains_of(settings: Settings) -> tuple[Domain, ...]:
    """The tables `[domains.NAME]`."""
    return tuple(
        Domain(name=domain.name, models=domain.model_preference, paths=domain.paths)
        for domain in settings.domains.values()
    )


def is_routed(router: RouterSettings) -> bool:
    """Whether the settings name targets at all."""
    return bool(router.coding or router.reasoning or router.fallback)


def open_switches(environ: Mapping[str, str] = os.environ) -> Switches:
    """Which targets are off, by hand."""
    return Switches(state_folder(environ) / "router" / "off.json")


def explain(task: Task, targets: Targets, environ: Mapping[str, str] = os.environ) -> Decision:
    """Where a task would go now."""
    off = switched_off(targets, open_switches(environ).off(datetime.now(UTC)), environ)
    return choose(task, targets, off=dict.fromkeys(off, "it is switched off"))


@dataclass(frozen=True, kw_only=True)
class OpenTargets:
    """The targets, each with its engine, which contacts nothing yet."""

    targets: Targets
    engines: Mapping[str, Engine]  #: but for the gateway's own
    timeouts_s: Mapping[str, float]
    lacking: Mapping[str, str]  #: {target: why it cannot be used}
    off: Callable[[datetime], frozenset[str]]
    ledger: UsageLedger


def open_targets(settings: Settings, home: EngineSettings, environ: Mapping[str, str] = os.environ) -> OpenTargets:
    """The targets of a gateway whose own engine is `home`. One that lacks its key or its package is left out, and said."""
    targets, switches = targets_of(settings, home, environ), open_switches(environ)
    engines: dict[str, Engine] = {}
    lacking: dict[str, str] = {}
    for name in targets.known:
        if name != home.name:
            try:
                engines[name] = open_engine(_settings_of(settings, name), environ=environ)
            except UsageError as error:
                lacking[name] = str(error)
    times = {name: engine.timeout_seconds for name, engine in settings.engines.items() if engine.timeout_seconds}
    return OpenTargets(
        targets=targets, engines=engines, timeouts_s=times, lacking=lacking, ledger=_ledger(settings, targets, environ),
        off=lambda now: switched_off(targets, switches.off(now), environ),
    )  # fmt: skip


def usage_facts(since: datetime | None, environ: Mapping[str, str] = os.environ) -> list[CallFact]:
    """The calls that gateways of this user made. Raises JournalError."""
    ledger = UsageLedger(_ledger_file(environ))
    try:
        return ledger.facts(since=since)
    finally:
        ledger.close()


def _ledger(settings: Settings, targets: Targets, environ: Mapping[str, str]) -> UsageLedger:
    given = {
        name: TokenPrice(input_usd=engine.price.input_mtok, output_usd=engine.price.output_mtok)
        for name, engine in settings.engines.items()
        if engine.price is not None
    }
    local = [name for name, target in targets.known.items() if target.is_local]
    return UsageLedger(_ledger_file(environ), PriceBook(given=given, local=local))


def _ledger_file(environ: Mapping[str, str]) -> Path:
    return state_folder(environ) / "router" / "usage.sqlite3"


def _settings_of(settings: Settings, name: str) -> EngineSettings:
    return settings.engines.get(name) or EngineSettings(name=name, kind=EngineKind(name))


def _target(engine: EngineSettings, environ: Mapping[str, str]) -> Target:
    where = engine_address(engine, environ=environ)
    return Target(
        name=engine.name, model=engine.model, context_tokens=engine.context,
        is_local=where is None or address.is_here(where),
        takes_private=engine.private or (where is not None and not is_public(where)),
    )  # fmt: skip
