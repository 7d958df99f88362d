"""What bridge.toml and the environment may say, where each value came from, and what is said of mistakes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from bridge.core.errors import ConfigError
from bridge.transports.folder import WriteMode
from bridge.wiring.settings import EngineKind, LoadedSettings, Price, Settings, find_file, find_queue, load

Load = Callable[..., LoadedSettings]


@pytest.fixture
def read(tmp_path: Path) -> Load:
    """Settings of a bridge.toml in this folder."""

    def load_text(text: str, environ: Mapping[str, str] | None = None) -> LoadedSettings:
        (tmp_path / "bridge.toml").write_text(text, encoding="utf-8")
        return load(tmp_path / "bridge.toml", environ or {}, cwd=tmp_path)

    return load_text


def told(loaded: LoadedSettings) -> list[str]:
    return [str(mistake) for mistake in loaded.mistakes]


def test_without_a_file_everything_has_its_default() -> None:
    assert load(None, {}).valid() == Settings()


def test_the_flat_settings_of_the_first_version_mean_what_they_meant(read: Load) -> None:
    settings = read(
        'queue = "q.ipynb"\ndrive = "drive:x"\nwrite_mode = "inplace"\npart_jobs = 2\npart_bytes = 1000\n'
        'lock_patience_s = 1\nsettle_s = 0.5\nmax_attempts = 7\ncaller = "me"\n'
    ).valid()

    assert settings == Settings(
        queue="q.ipynb", drive="drive:x", write_mode=WriteMode.INPLACE, part_jobs=2, part_bytes=1000,
        lock_patience_s=1.0, settle_s=0.5, max_attempts=7, caller="me",
    )  # fmt: skip


def test_tables_are_typed_values(read: Load, tmp_path: Path) -> None:
    settings = read(
        """
        [engines.gemini]
        kind = "openai"
        base_url = "https://example.org/v1beta/openai"
        model = "gemini-flash"
        key_env = "GEMINI_API_KEY"
        context = 32768
        timeout_seconds = 90
        price = { input_mtok = 0.15, output_mtok = 0.6 }
        [engines.own]
        kind = "llamacpp"
        gguf = "models/coder.gguf"
        private = true
        price = "unknown"
        [router]
        coding = ["own", "gemini", "queue"]
        fallback_to_local = false
        [context]
        retrieve = 3
        file_extensions = [".py", ".rs"]
        [gateway]
        host = "0.0.0.0"
        port = 8080
        [domains.web]
        model_preference = ["qwen2.5-coder:14b"]
        paths = ["web/**"]
        """
    ).valid()

    gemini, own = settings.engines["gemini"], settings.engines["own"]
    assert (gemini.name, gemini.kind, gemini.timeout_seconds) == ("gemini", EngineKind.OPENAI, 90.0)
    assert gemini.price == Price(input_mtok=0.15, output_mtok=0.6)
    assert (own.gguf, own.private, own.price) == (str(tmp_path / "models/coder.gguf"), True, None)
    assert settings.router.coding == ("own", "gemini", "queue")
    assert not settings.router.fallback_to_local
    assert (settings.context.retrieve, settings.context.file_extensions) == (3, (".py", ".rs"))
    assert (settings.gateway.host, settings.gateway.port) == ("0.0.0.0", 8080)
    assert settings.domains["web"].paths == ("web/**",)


def test_a_table_with_the_name_of_a_kind_is_of_that_kind(read: Load) -> None:
    assert read('[engines.ollama]\nbase_url = "gpu:11434"\n').valid().engines["ollama"].kind is EngineKind.OLLAMA


# ---- mistakes

MISTAKES = [
    ("partjobs = 3", "bridge.toml:1: unknown setting partjobs; did you mean part_jobs?"),
    ("\n\nport = 1", "bridge.toml:3: unknown setting port; it belongs below [gateway]"),
    ("[gateway]\ncaller = 'me'", "bridge.toml:2: unknown setting gateway.caller; write caller above the first [table]"),
    ("zzz = 1", "bridge.toml:1: unknown setting zzz; known are queue, drive, "),
    ("[engine.x]\nkind = 'openai'", "bridge.toml:1: unknown setting engine; did you mean engines?"),
    ("part_jobs = 0", "bridge.toml:1: part_jobs must be a whole number of at least 1, not 0"),
    ("part_jobs = true", "bridge.toml:1: part_jobs must be a whole number of at least 1, not true"),
    ("part_jobs = 2.0", "bridge.toml:1: part_jobs must be a whole number of at least 1, not 2.0"),
    ("settle_s = nan", "bridge.toml:1: settle_s must be a number of seconds of at least 0, not NaN"),
    ("queue = ''", 'bridge.toml:1: queue must be a text, not ""'),
    ("write_mode = 'fast'", 'bridge.toml:1: write_mode must be auto, replace or inplace, not "fast"'),
    ("gateway = 3", "bridge.toml:1: gateway must be a table: write [gateway] and its keys below"),
    ("engines = []", "bridge.toml:1: engines must be tables: write [engines.NAME] and its keys below"),
    ("[gateway]\nport = 65536", "bridge.toml:2: gateway.port must be a whole number from 1 to 65535, not 65536"),
    ("[context]\nfile_extensions = ['py']", "bridge.toml:2: context.file_extensions must be a list of file extensions"),
    ("[router]\nfallback_to_local = 1", "bridge.toml:2: router.fallback_to_local must be true or false, not 1"),
    ("[router]\ncoding = ['olama']", 'bridge.toml:2: router.coding: there is no engine "olama"; did you mean ollama?'),
    ("[engines.x]", "bridge.toml:1: [engines.x] has no kind: add kind ="),
    ("[engines.x]\nkind = 'vllm'", "bridge.toml:2: engines.x.kind must be ollama, openai, anthropic, llamacpp or scripted"),
    ("[engines.queue]\nkind = 'openai'", "bridge.toml:1: [engines.queue]: choose another name"),
    ("[engines.llamacpp]", "bridge.toml:1: engines.llamacpp.kind is llamacpp, which needs a model: add gguf ="),
    ("[engines.ollama]\ngguf = 'x'", "bridge.toml:2: engines.ollama.gguf is for the kind llamacpp, not ollama"),
    ("[engines.scripted]\nbase_url = 'x'", "bridge.toml:2: engines.scripted.base_url is for engines elsewhere"),
    ("[engines.openai]\nbase_url = 'x/v1'", "bridge.toml:2: engines.openai.base_url has no http:// or https:// before it"),
    ("[engines.ollama]\nkey_env = 'A'\nkeyring = 'a'", "bridge.toml:3: engines.ollama.keyring and key_env both name a key"),
    ("[engines.ollama]\nprice = 3", 'bridge.toml:2: engines.ollama.price must be "unknown", or {'),
    ("[engines.ollama]\nprice = { input_mtok = -1, output_mtok = 1 }", "bridge.toml:2: engines.ollama.price must be"),
    ("queue = ", "bridge.toml:1: cannot read this as TOML: Invalid value; correct it"),
    ("queue = 1\nqueue = 2", "bridge.toml:2: cannot read this as TOML: Cannot overwrite a value; correct it"),
    ("x = " + "[" * 5000, "bridge.toml: cannot read it"),
    ("#" * 70_000, "bridge.toml: cannot read it: it has 70,000 bytes"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "says"), MISTAKES, ids=[says[:60] for _, says in MISTAKES])
def test_a_mistake_is_told_with_its_line_and_what_to_do(read: Load, text: str, says: str) -> None:
    [mistake] = told(read(text))

    assert mistake.startswith(says)


def test_all_mistakes_are_told_at_once_in_the_order_of_the_file(read: Load) -> None:
    loaded = read("part_jobs = 0\nqueu = 'x'\n[gateway]\nport = 'x'\n", {"BRIDGE_MAX_ATTEMPTS": "many"})

    assert [line.partition(": ")[0] for line in told(loaded)] == [
        "BRIDGE_MAX_ATTEMPTS", "bridge.toml:1", "bridge.toml:2", "bridge.toml:4",
    ]  # fmt: skip
    with pytest.raises(ConfigError) as raised:
        loaded.valid()
    assert str(raised.value).splitlines() == told(loaded)


def test_a_file_that_is_not_text_is_told(read: Load, tmp_path: Path) -> None:
    (tmp_path / "bridge.toml").write_bytes(b"queue = '\xff'")

    assert told(load(tmp_path / "bridge.toml", {}, cwd=tmp_path))[0].startswith("bridge.toml: cannot read it: 'utf-8'")


def test_a_file_of_a_parent_folder_is_named_by_its_path(tmp_path: Path) -> None:
    (tmp_path / "bridge.toml").write_text("x = 1")
    inner = tmp_path / "a" / "b"
    inner.mkdir(parents=True)

    [mistake] = told(load(find_file(inner), {}, cwd=inner))

    assert mistake.startswith(f"{tmp_path / 'bridge.toml'}:1: ")


# ---- secrets

SECRET = "sk-proj-abcdefghijklmnop"


@pytest.mark.parametrize(
    "line", [f"api_key = '{SECRET}'", f"key = '{SECRET}'", f"token = ['{SECRET}']", f"key_env = '{SECRET}'",
             f"keyring = '{SECRET}'", f"model = '{SECRET}'", f"base_url = 'https://me:{SECRET}@example.org/v1'",
             f"base_url = 'https://example.org/v1?key={SECRET}'"],
)  # fmt: skip
def test_a_key_in_the_file_is_refused_and_never_repeated(read: Load, line: str) -> None:
    loaded = read(f"[engines.openai]\n{line}\n")

    [mistake] = told(loaded)
    assert mistake.startswith("bridge.toml:2: engines.openai.")
    assert SECRET not in f"{loaded}{mistake}{loaded.facts()}"


def test_who_writes_a_key_into_the_file_is_told_where_it_belongs(read: Load) -> None:
    [mistake] = told(read(f"[engines.openai]\napi_key = '{SECRET}'\n"))

    assert 'key_env = "NAME_API_KEY"' in mistake


# ---- where a value came from


def test_the_environment_beats_the_file_and_the_command_line_both(read: Load) -> None:
    loaded = read(
        "queue = 'a.ipynb'\npart_jobs = 3\nmax_attempts = 4\n", {"BRIDGE_QUEUE": "b.ipynb", "BRIDGE_PART_JOBS": "5"}
    )
    facts = {fact.name: (fact.value, fact.origin.where) for fact in loaded.given("queue", "c.ipynb", "--queue").facts()}

    assert loaded.settings.queue == "b.ipynb"
    assert facts["queue"] == ("c.ipynb", "--queue")
    assert facts["part_jobs"] == (5, "BRIDGE_PART_JOBS")
    assert facts["max_attempts"] == (4, "bridge.toml:3")
    assert facts["part_bytes"] == (4_000_000, "default")


@pytest.mark.parametrize(
    ("variable", "value", "name", "means"),
    [
        ("QWENCODER_PORT", "8080", "gateway.port", 8080),
        ("BRIDGE_GATEWAY_HOST", "::1", "gateway.host", "::1"),
        ("BRIDGE_CALLER", "12", "caller", "12"),  # a text, though it looks like a number
        ("BRIDGE_SETTLE_S", "0.5", "settle_s", 0.5),
        ("BRIDGE_WRITE_MODE", "replace", "write_mode", "replace"),
        ("BRIDGE_ROUTER_CODING", "ollama, queue", "router.coding", ["ollama", "queue"]),
        ("BRIDGE_ROUTER_FALLBACK_TO_LOCAL", "False", "router.fallback_to_local", False),
        ("BRIDGE_PART_JOBS", "", "part_jobs", 400),  # empty: as if it were not there
    ],
)
def test_a_variable_is_read_as_its_setting_wants_it(variable: str, value: str, name: str, means: object) -> None:
    loaded = load(None, {variable: value})

    loaded.valid()
    assert {fact.name: fact.value for fact in loaded.facts()}[name] == means


def test_the_queue_of_the_file_is_relative_to_the_file_and_of_the_environment_to_this_folder(tmp_path: Path) -> None:
    (tmp_path / "bridge.toml").write_text("queue = 'q.ipynb'")
    here = tmp_path / "inner"
    here.mkdir()

    def found(given: str | None, environ: Mapping[str, str]) -> tuple[object, str]:
        queue = find_queue(given, cwd=here, environ=environ)
        return queue.place, queue.source

    assert found(None, {}) == (tmp_path / "q.ipynb", str(tmp_path / "bridge.toml"))
    assert found(None, {"BRIDGE_QUEUE": "e.ipynb"}) == (here / "e.ipynb", "BRIDGE_QUEUE")
    assert found("g.ipynb", {"BRIDGE_QUEUE": "e.ipynb"}) == (here / "g.ipynb", "--queue")
