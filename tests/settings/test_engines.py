"""Engines of bridge.toml, opened by their names."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from bridge.core.errors import ConfigError, ModelMissing, Refused
from bridge.engines.base import Engine, Request
from bridge.wiring import EngineKind, EngineSettings, Settings, engine_settings, open_engine
from tests.support.anthropic import LoopbackAnthropic
from tests.support.keyrings import KeyringOf
from tests.support.openai import LoopbackOpenAI

KEY = "0123456789"


@pytest.fixture
def api() -> Iterator[LoopbackOpenAI]:
    with LoopbackOpenAI(key=KEY) as server:
        yield server


def asked(engine: Engine, model: str = "large") -> str:
    try:
        return engine.answer(Request(prompt="hello", model=model, num_ctx=2048, max_tokens=100)).text
    finally:
        engine.close()


# ---- keys


def test_the_key_comes_from_the_variable_that_the_table_names(api: LoopbackOpenAI) -> None:
    house = EngineSettings(name="house", kind=EngineKind.OPENAI, base_url=api.url, key_env="HOUSE_KEY")

    assert asked(open_engine(house, environ={"HOUSE_KEY": KEY, "OPENAI_API_KEY": "another"}))
    with pytest.raises(ConfigError, match="house takes its key from HOUSE_KEY, which is not set"):
        open_engine(house, environ={"OPENAI_API_KEY": KEY})


def test_the_key_of_openai_is_not_sent_to_another_providers_address(api: LoopbackOpenAI) -> None:
    house = EngineSettings(name="house", kind=EngineKind.OPENAI, base_url=api.url)

    with pytest.raises(Refused):
        asked(open_engine(house, environ={"OPENAI_API_KEY": KEY}))


@pytest.mark.parametrize(
    "engine",
    [lambda url: EngineSettings(name="openai", kind=EngineKind.OPENAI, base_url=url),
     lambda _: EngineSettings(name="house", kind=EngineKind.OPENAI)],
    ids=["the kind itself", "a table without an address"],
)  # fmt: skip
def test_it_is_sent_where_its_own_variables_point(engine: Callable[[str], EngineSettings], api: LoopbackOpenAI) -> None:
    assert asked(open_engine(engine(api.url), environ={"OPENAI_API_KEY": KEY, "OPENAI_BASE_URL": api.url}))


def test_the_key_comes_from_the_systems_keyring(api: LoopbackOpenAI, keyring_of: KeyringOf) -> None:
    keyring_of({("qwen-bridge", "house"): KEY})
    house = EngineSettings(name="house", kind=EngineKind.OPENAI, base_url=api.url, keyring="house")

    assert asked(open_engine(house, environ={}))
    keyring_of({})
    with pytest.raises(ConfigError, match="`keyring set qwen-bridge house` stores it"):
        open_engine(house, environ={})


# ---- the rest


def test_the_key_of_openai_is_not_sent_to_anthropic() -> None:
    with LoopbackAnthropic(key=KEY) as server:
        claude = EngineSettings(name="anthropic", kind=EngineKind.ANTHROPIC, base_url=server.url)

        assert asked(open_engine(claude, environ={"ANTHROPIC_API_KEY": KEY}), "claude") == "Answer to hello"
        with pytest.raises(Refused):
            asked(open_engine(claude, environ={"OPENAI_API_KEY": KEY}), "claude")


def test_a_model_that_the_table_names_and_nobody_has_is_said(api: LoopbackOpenAI) -> None:
    with pytest.raises(ModelMissing):
        asked(open_engine(EngineSettings(name="openai", kind=EngineKind.OPENAI, base_url=api.url),
                          environ={"OPENAI_API_KEY": KEY}), "unheard-of")  # fmt: skip


def test_what_the_command_line_says_beats_the_table() -> None:
    own = EngineSettings(name="own", kind=EngineKind.LLAMACPP, gguf="a.gguf")

    assert engine_settings("own", Settings(engines={"own": own}), gguf="b.gguf").gguf == "b.gguf"
    assert engine_settings("own", Settings(engines={"own": own})).gguf == "a.gguf"
    assert engine_settings("scripted", Settings()).kind is EngineKind.SCRIPTED
