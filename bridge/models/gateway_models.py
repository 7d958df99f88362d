"""The models of a gateway that runs, over its own paths."""

from __future__ import annotations

from typing import Protocol

from bridge.core.errors import EngineDown
from bridge.engines.base import EngineModel, Health, OnProgress, Request, Stop, ignore_progress
from bridge.engines.json_api import JsonApi


class ModelStore(Protocol):
    """What has models, as `Engine` says: an engine, or a gateway."""

    @property
    def name(self) -> str:
        """See `Engine.name`."""

    def models(self) -> tuple[EngineModel, ...]:
        """See `Engine.models`."""

    def pull(self, model: str, on_progress: OnProgress = ignore_progress) -> None:
        """See `Engine.pull`."""

    def remove(self, model: str) -> None:
        """See `Engine.remove`."""

    def load(self, model: str, *, num_ctx: int = Request.num_ctx) -> None:
        """See `Engine.load`."""

    def unload(self, model: str) -> None:
        """See `Engine.unload`."""

    def health(self) -> Health:
        """See `Engine.health`."""

    def close(self) -> None:
        """See `Engine.close`."""


class GatewayModels:
    """`bridge serve`, seen as what has models."""

    def __init__(self, url: str, *, token: str | None) -> None:
        """`token`: of BRIDGE_TOKEN, where it wants one."""
        self._api = JsonApi(url, token, use_environment=False)
        self._engine: str | None = None

    @property
    def name(self) -> str:
        """Of the engine behind it."""
        if self._engine is None:
            engines = self._api.get("/health").get("engines")
            first = engines[0] if isinstance(engines, list) and engines else {}
            self._engine = str(first.get("name", "gateway")) if isinstance(first, dict) else "gateway"
        return self._engine

    def models(self) -> tuple[EngineModel, ...]:
        """See `Engine.models`."""
        return tuple(
            EngineModel(name=str(row["id"]), digest=row.get("digest"), size_bytes=row.get("size"))
            for row in self._api.get("/models").get("models", ())
        )

    def pull(self, model: str, on_progress: OnProgress = ignore_progress) -> None:
        """See `Engine.pull`; the gateway goes on with it when nobody follows."""
        status = ""
        for event in self._api.events("/models/download", {"model_name": model, "stream": True}, Stop(), None):
            status = str(event.get("status", ""))
            on_progress(status, int(event.get("completed") or 0), int(event.get("total") or 0))
        if status != "success":
            raise EngineDown(f"the download of {model} ended at {status!r}: the same command goes on")

    def remove(self, model: str) -> None:
        """See `Engine.remove`."""
        self._api.delete(f"/v1/models/{model}")

    def load(self, model: str, *, num_ctx: int = Request.num_ctx) -> None:  # noqa: ARG002  # the gateway has its own
        """See `Engine.load`."""
        self._api.post("/models/load", {"model_name": model})

    def unload(self, model: str) -> None:
        """See `Engine.unload`."""
        self._api.post("/models/unload", {"model_name": model})

    def health(self) -> Health:
        """See `Engine.health`."""
        told = self._api.get("/health")
        return Health(ok=told.get("status") == "ok", detail="a gateway", loaded=tuple(told.get("models_loaded", ())))

    def close(self) -> None:
        """Close idle connections."""
        self._api.close()
