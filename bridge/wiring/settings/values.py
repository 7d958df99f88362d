"""What `bridge.toml` may say, as values: a dataclass a table, a field a key, with its rule and what it means.

docs/settings.md is made from here, `bridge config` prints from here, and the reader checks by what stands here.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from enum import Enum
from typing import TypeVar

from bridge.core.options import DEFAULT_MAX_TOKENS, WORKER_OPTIONS
from bridge.kernel.options import WIDEST
from bridge.transports.folder import WriteMode
from bridge.wiring.settings.rules import Rule, flag, number, one_of, text, texts, whole

T = TypeVar("T")

_DECLARED = "declared"


@dataclass(frozen=True, kw_only=True)
class Declared:
    """What is known of a key beside its type and default."""

    rule: Rule[object]
    about: str
    needed: bool  #: whether a table without it is wrong; its default only stands in until it is corrected
    variable: str  #: environment variable that overrides it; empty: named after its path, where its table has variables


def _key(default: T, rule: Rule[object], about: str, *, variable: str = "", needed: bool = False) -> T:
    known = Declared(rule=rule, about=about, variable=variable, needed=needed)
    return field(default=default, metadata={_DECLARED: known})


def declared(table: type) -> dict[str, Declared]:
    """{key: what is known of it} of a table, in order."""
    return {each.name: each.metadata[_DECLARED] for each in fields(table) if _DECLARED in each.metadata}


def variables_of(path: tuple[str, ...], key: Declared) -> str:
    """The environment variable that overrides a key; empty: none, because engines and domains have names of their own."""
    if path[0] in ("engines", "domains"):
        return ""
    return key.variable or "BRIDGE_" + "_".join(path).upper()


class EngineKind(Enum):
    """How an engine is spoken to."""

    OLLAMA = "ollama"  # Ollama's own API
    OPENAI = "openai"  # any OpenAI-compatible API
    ANTHROPIC = "anthropic"  # Anthropic's messages API
    LLAMACPP = "llamacpp"  # llama.cpp in a child process
    SCRIPTED = "scripted"  # a fake that answers at once


@dataclass(frozen=True, kw_only=True)
class Price:
    """What tokens cost: US dollars a million, as genai-prices counts them."""

    input_mtok: float
    output_mtok: float


def _price() -> Rule[Price | None]:
    def read(value: object) -> Price | None:
        if value == "unknown":
            return None
        if not isinstance(value, dict) or value.keys() != {"input_mtok", "output_mtok"}:
            raise ValueError
        amount = number().read
        return Price(input_mtok=amount(value["input_mtok"]), output_mtok=amount(value["output_mtok"]))

    must_be = '"unknown", or { input_mtok = 0.15, output_mtok = 0.60 } in US dollars a million tokens'
    return Rule(must_be=must_be, read=read, of_text=str)


_ADDRESS = text("an address without a user or password", pattern=r"[^@\s]+", shown=False)
_VARIABLE = text(
    "the name of an environment variable, such as GEMINI_API_KEY, not the key itself",
    pattern=r"[A-Za-z_][A-Za-z0-9_]*", shown=False,
)  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class EngineSettings:
    """`[engines.NAME]`: something that answers prompts."""

    name: str = ""  #: of the table; of an engine that no table names, its kind
    kind: EngineKind = _key(
        EngineKind.OLLAMA,
        one_of(EngineKind),
        "How it is spoken to; not needed in a table that has a kind's name.",
        needed=True,
    )
    base_url: str | None = _key(
        None,
        _ADDRESS,
        "Where it is. Without it: `OLLAMA_HOST` (ollama), `OPENAI_BASE_URL` (openai), Anthropic's own (anthropic).",
    )
    model: str | None = _key(None, text(shown=False), "The model for jobs that name none.")
    key_env: str | None = _key(
        None,
        _VARIABLE,
        "The environment variable that holds its key. Without it and `keyring`: `OPENAI_API_KEY` or `ANTHROPIC_API_KEY`, if the table has the kind's name or no `base_url`.",
    )
    keyring: str | None = _key(
        None, text("the name of an entry in the system's keyring, not the key itself", pattern=r"[\w.@ -]{1,100}", shown=False),
        "The entry of the system's keyring that holds its key: `keyring set qwen-bridge ENTRY` stores it. Needs the extra [keyring].",
    )  # fmt: skip
    context: int | None = _key(None, whole(256), "Tokens for prompt and answer, if `--window` says nothing.")
    timeout_seconds: float | None = _key(
        None, number(0.001, unit="seconds"), "Time limit for an answer, if `--job-timeout` says nothing."
    )
    price: Price | None = _key(None, _price(), "What it costs; unknown stays unknown.")
    private: bool = _key(False, flag(), "Prompts that are marked private may be sent to it.")
    gguf: str | None = _key(
        None, text(), "Of the kind llamacpp: the model's file, or a folder of them, relative to bridge.toml; or `tiny`."
    )
    yarn: bool = _key(
        False,
        flag(),
        "Of the kind llamacpp: stretch a window beyond what the model was trained for (up to 131072; short texts may suffer).",
    )


@dataclass(frozen=True, kw_only=True)
class RouterSettings:
    """`[router]`: which engines are asked, in which order, for which role; `queue` names the queue."""

    reasoning: tuple[str, ...] = _key((), texts("names of engines"), "Engines for reasoning, the first choice first.")
    coding: tuple[str, ...] = _key((), texts("names of engines"), "Engines for code.")
    fallback: tuple[str, ...] = _key(
        (), texts("names of engines"), "Engines to ask when those of the role do not answer."
    )
    polish: tuple[str, ...] = _key((), texts("names of engines"), "Engines that improve an answer of another one.")
    fallback_to_local: bool = _key(True, flag(), "Ask an engine of this machine when no other answers.")
    require_models: tuple[str, ...] = _key(
        (), texts("names of models"), "Models that Ollama has to have: `bridge doctor` looks."
    )
    short_wait_seconds: float = _key(
        5.0, number(unit="seconds"), "A target that asks for a shorter pause is waited for; else the next one is asked."
    )
    first_token_seconds: float = _key(
        60.0, number(1.0, unit="seconds"), "An API that says nothing for so long counts as failed."
    )
    breaker_share: float = _key(
        0.5, number(), "Share of failed calls above which a target is left alone (1 or more: never)."
    )
    breaker_calls: int = _key(10, whole(1), "Calls before that share counts.")
    breaker_window_seconds: float = _key(300.0, number(1.0, unit="seconds"), "How far back calls count.")
    breaker_open_seconds: float = _key(1800.0, number(unit="seconds"), "How long a target is left alone.")
    private_folders: tuple[str, ...] = _key(
        (),
        texts("paths"),
        "Requests that name one of these folders are private: they go to no public target and not into the queue.",
    )
    budget_usd: float | None = _key(
        None,
        number(unit="US dollars"),
        "What the requests of one caller may cost on one day (UTC); then only targets of this machine are asked.",
    )
    queue_tools: bool = _key(
        False, flag(), "Turns that offer tools may go into the queue, though nobody asked for that."
    )
    continue_streams: bool = _key(
        False,
        flag(),
        "A stream that dies in the middle is continued by the next target, and says so; else it ends with an error.",
    )
    history: str = _key(
        "all", text('"all", "last N" or "summary N"', pattern=r"all|(?:last|summary) [1-9]\d{0,3}"),
        "Turns of a conversation that are sent to a target that did not begin it; summary: with a line on each other.",
    )  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class ContextSettings:
    """`[context]`: code of the project that goes into prompts."""

    retrieve: int = _key(
        0, whole(0), "Definitions of the project to put into each prompt; 0: none, and nothing of it reaches Drive."
    )
    file_extensions: tuple[str, ...] = _key(
        (), texts('file extensions, such as ".py"', pattern=r"\.[^\s./\\]+"),
        "Files to index; empty: every language that checking knows.",
    )  # fmt: skip


def _worker(name: str) -> Rule[int]:
    """As an option of `bridge work` and `bridge serve` takes it."""
    option = WORKER_OPTIONS[name]
    return whole(int(option.low), int(option.high) if option.high < WIDEST else None)


@dataclass(frozen=True, kw_only=True)
class GatewaySettings:
    """`[gateway]`: what `bridge serve` does where its command line says nothing."""

    host: str = _key("127.0.0.1", text("a host name or an address", pattern=r"[^\s/]+"), "Address to listen on.")
    port: int = _key(11452, whole(1, 65_535), "Port to listen on.", variable="QWENCODER_PORT")
    engine: str = _key("ollama", text("the name of an engine", pattern=r"[\w.-]+"), "Engine that answers (`--engine`).")
    model: str | None = _key(
        None, text(shown=False), "Model for requests that name none, or one that nobody has; default: the engine's, else its largest coder."
    )  # fmt: skip
    parallel: int = _key(1, _worker("lanes"), "Lanes: requests that are answered at the same time.")
    window: int | None = _key(
        None, _worker("num_ctx"), "Tokens for prompt and answer; default: the engine's, else 8192."
    )
    max_tokens: int = _key(
        DEFAULT_MAX_TOKENS, _worker("max_tokens"), "Longest answer in tokens, for requests that name no limit."
    )
    timeout_seconds: float | None = _key(
        None, number(0.001, unit="seconds"), "Time limit for an answer; default: the engine's, else 3600."
    )
    max_waiting: int = _key(100, whole(1), "Requests that may wait; the next one gets 429.")
    idle_seconds: float = _key(600.0, number(unit="seconds"), "Unused models leave memory after this; 0: never.")
    allow_hosts: tuple[str, ...] = _key(
        (), texts("host names", pattern=r"[^\s/:]+"), "Host names that clients may use beside localhost."
    )
    allow_origins: tuple[str, ...] = _key(
        (), texts("addresses of web pages, such as http://localhost:3000", pattern=r"https?://[^\s/]+"),
        "Web pages that may use the gateway.",
    )  # fmt: skip
    brake_repeats: int = _key(
        8, whole(0), "How often one caller's same request is answered within two minutes; 0: as often as it comes."
    )
    work: bool = _key(True, flag(), "Answer the queue's jobs too, when nobody else asks.")


@dataclass(frozen=True, kw_only=True)
class TrustSettings:
    """`[trust]`: which answers are believed."""

    require_signed: bool = _key(
        False, flag(), "Only answers count that are signed with a key of the queue; see SECURITY.md."
    )


@dataclass(frozen=True, kw_only=True)
class DomainSettings:
    """`[domains.NAME]`: a kind of work that wants models of its own."""

    name: str = ""  #: of the table
    model_preference: tuple[str, ...] = _key((), texts("names of models"), "Models, the first choice first.")
    paths: tuple[str, ...] = _key((), texts("paths or patterns"), "Jobs about files below these paths belong to it.")


@dataclass(frozen=True, kw_only=True)
class Settings:
    """All of `bridge.toml`; the keys above its first table are about the queue."""

    queue: str | None = _key(
        None, text(), "Path of the queue notebook, relative to bridge.toml, or an address on Drive."
    )
    drive: str | None = _key(None, text(), "Where `bridge sync` keeps the copy on Drive.")
    write_mode: WriteMode = _key(WriteMode.AUTO, one_of(WriteMode), "How a notebook is overwritten; see folders.md.")
    part_jobs: int = _key(400, whole(1), "Jobs in a notebook before the next one is opened.")
    part_bytes: int = _key(4_000_000, whole(1), "Bytes of a notebook before the next one is opened.")
    lock_patience_s: float = _key(
        60.0, number(unit="seconds"), "How long another process of this machine is waited for."
    )
    settle_s: float = _key(5.0, number(unit="seconds"), "How long a half-written notebook is waited for.")
    max_attempts: int = _key(3, whole(1), "How often a job is tried before it counts as failed.")
    caller: str | None = _key(None, text(), "Name of who adds jobs, unless given; default: the user.")
    engines: Mapping[str, EngineSettings] = field(default_factory=dict)
    router: RouterSettings = field(default_factory=RouterSettings)
    context: ContextSettings = field(default_factory=ContextSettings)
    gateway: GatewaySettings = field(default_factory=GatewaySettings)
    trust: TrustSettings = field(default_factory=TrustSettings)
    domains: Mapping[str, DomainSettings] = field(default_factory=dict)
