"""A service's own description as a file of JSON: what was installed, for every later command and for the keeper."""

from __future__ import annotations

import json
from pathlib import Path

from bridge.core import files
from bridge.core.errors import ConfigError
from bridge.setup.service.base import ManagerKind, ServiceRole, ServiceSpec


def write_spec(spec: ServiceSpec) -> None:
    """Keep it, atomically, for its owner alone. Raises OSError."""
    files.keep_private(spec.home)
    files.write_atomically(spec.file("json"), spec_bytes(spec), mode=0o600)


def spec_bytes(spec: ServiceSpec) -> bytes:
    """It as JSON."""
    plain = {
        "role": spec.role.value, "manager": spec.manager.value, "folder": str(spec.folder), "python": spec.python,
        "options": list(spec.options), "environment": dict(spec.environment), "host": spec.host, "port": spec.port,
        "log_bytes": spec.log_bytes,
    }  # fmt: skip
    return json.dumps(plain, indent=1).encode() + b"\n"


def read_spec(file: Path) -> ServiceSpec | None:
    """What stands in a file; None: there is none. Raises ConfigError."""
    try:
        told = json.loads(file.read_bytes())
        return ServiceSpec(
            role=ServiceRole(told["role"]), manager=ManagerKind(told["manager"]), home=file.parent, folder=Path(told["folder"]),
            python=str(told["python"]), options=tuple(map(str, told["options"])),
            environment={str(name): str(value) for name, value in told["environment"].items()},
            host=told["host"], port=told["port"], log_bytes=int(told["log_bytes"]),
        )  # fmt: skip
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise ConfigError(f"{file} cannot be read ({error}): `bridge service install` writes it again") from error
