"""What tokens cost: as bridge.toml says, nothing on this machine, else as the package genai-prices knows, offline; else unknown."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, kw_only=True)
class TokenPrice:
    """US dollars a million tokens."""

    input_usd: float
    output_usd: float


@dataclass(kw_only=True)
class PriceBook:
    """The prices of all targets. The package is imported with the first question, and takes a second for that."""

    given: Mapping[str, TokenPrice] = field(default_factory=dict)  #: {target: its price}
    local: Collection[str] = ()  #: targets of this machine, which cost nothing

    def cost_usd(
        self, target: str, model: str, prompt_tokens: int | None, completion_tokens: int | None
    ) -> float | None:
        """What a call cost; None: nobody knows."""
        if target in self.local:
            return 0.0
        if prompt_tokens is None or completion_tokens is None:
            return None
        if (price := self.given.get(target)) is not None:
            return (prompt_tokens * price.input_usd + completion_tokens * price.output_usd) / 1e6
        return _known_usd(target, model, prompt_tokens, completion_tokens)


def _known_usd(target: str, model: str, prompt_tokens: int, completion_tokens: int) -> float | None:
    """As the package says: first of the provider that the target is named after."""
    try:
        from genai_prices import Usage, calc_price
    except ImportError:
        return None
    used = Usage(input_tokens=prompt_tokens, output_tokens=completion_tokens)
    for provider in (target, None):
        try:
            return float(calc_price(used, model_ref=model, provider_id=provider).total_price)
        except LookupError:
            continue
    return None
