"""The service that `bridge service install` is asked for: its options checked, its manager chosen, its variables kept."""

from __future__ import annotations

import importlib
import os
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import click
from click.core import ParameterSource

from bridge.core.errors import UsageError

if TYPE_CHECKING:
    from bridge.setup.service.base import ServiceSpec


def planned(role: str, options: tuple[str, ...], *, manager: str, log_bytes: int) -> tuple[ServiceSpec, list[str]]:
    """The service that is meant, and what a person should know of it. Raises UsageError, also on a wrong option."""
    from bridge import wiring
    from bridge.setup.service.base import ManagerKind, ServiceRole, ServiceSpec
    from bridge.setup.service.environment import kept_variables, secret_variables
    from bridge.setup.service.managers import choose_manager
    from bridge.setup.service.operate import services_home
    from bridge.setup.service.programs import SystemPrograms

    asked = _checked(role, options)
    if role == "work" and "--wait-for-engine" not in options:  # at boot, the engine may start later
        options = (*options, "--wait-for-engine")
    if role == "work" and asked.get_parameter_source("until_empty") is not ParameterSource.COMMANDLINE:
        options = (*options, "--forever")
    chosen, why = choose_manager(SystemPrograms()) if manager == "auto" else (ManagerKind(manager), "")
    settings = wiring.loaded_settings(asked.params.get("queue")).valid()
    spec = ServiceSpec(
        role=ServiceRole(role), manager=chosen, home=services_home(), folder=Path.cwd(), python=sys.executable,
        options=options, environment=kept_variables(os.environ), log_bytes=log_bytes,
    )  # fmt: skip
    if role == "serve":
        spec = replace(spec, host=asked.params["host"], port=asked.params["port"])
    secrets = secret_variables(os.environ, (engine.key_env for engine in settings.engines.values() if engine.key_env))
    remarks = [f"{why}: it runs as a process of its own"] if why else []
    if secrets:
        told = ", ".join(secrets)
        remarks.append(
            f"secrets are not written into a service ({told}): put NAME=value lines into {spec.variables_file}"
        )
    return spec, remarks


def _checked(role: str, options: Sequence[str]) -> click.Context:
    """The options as their command reads them; nothing runs. click reports what is wrong."""
    meant = importlib.import_module(f"bridge.cli.{role}").command
    assert isinstance(meant, click.Command)  # narrows the type
    asked = meant.make_context(f"bridge {role}", list(options))
    if asked.params.get("new_token"):
        raise UsageError("--new-token makes a token and ends: run it by itself")
    return asked
