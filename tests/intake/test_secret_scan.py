"""Secrets are found with place, line and kind, and are never repeated in the message."""

from __future__ import annotations

import base64
import json
import random
import re
import string
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bridge import Bridge
from bridge.core.errors import SecretFound
from bridge.intake.secret_scan import scan_for_secrets, secrets_in
from tests.intake.secret_examples import GITLEAKS, MORE
from tests.support.queues import make_queue

quick = settings(deadline=None, derandomize=True)

#: Kind → an example, put together here so that no scanner takes this file for a leak.
SECRETS = {
    "AWS access key": "AKIA" + "IOSFODNN7" + "EXAMPLE",
    "private key": "-----BEGIN RSA " + "PRIVATE KEY-----",
    "GitHub token": "ghp_" + "a1B2" * 9,
    "GitHub fine-grained token": "github_pat_" + "a1B2" * 12,
    "Google API key": "AIza" + "Sy" + "a" * 33,
    "Anthropic key": "sk-ant-" + "api03-" + "x" * 30,
    "OpenAI key": "sk-proj-" + "a1B2" * 8,
    "Hugging Face token": "hf_" + "Q" * 34,
    "Supabase key": "sb_secret_" + "a1B2" * 6,
    "password in an address": "postgresql://admin:" + "s3cr3tX9@db.example.com/x",
}


def found_in(*texts: tuple[str, str]) -> tuple[tuple[str, int, str], ...]:
    with pytest.raises(SecretFound) as caught:
        scan_for_secrets(texts)
    return caught.value.findings


@pytest.mark.parametrize("kind", SECRETS)
def test_a_secret_is_named_by_kind_and_line_and_not_repeated(kind: str) -> None:
    with pytest.raises(SecretFound) as caught:
        scan_for_secrets([("prompt", f"one\nuse {SECRETS[kind]} here\nthree")])
    assert ("prompt", 2, kind) in caught.value.findings
    assert f"prompt, line 2: looks like a{'n' if kind[0] in 'AO' else ''} {kind}" in str(caught.value)
    assert SECRETS[kind] not in str(caught.value)


@quick
@given(
    before=st.lists(st.text("abc {}()=\t", max_size=20), max_size=4),
    after=st.text("abc {}()=\n", max_size=40),
    kind=st.sampled_from(sorted(SECRETS)),
)
def test_the_line_is_that_of_the_secret_wherever_it_stands(before: list[str], after: str, kind: str) -> None:
    text = "".join(f"{line}\n" for line in before) + f"key: {SECRETS[kind]}\n" + after
    assert ("f.py", len(before) + 1, kind) in found_in(("f.py", text))


def test_every_text_and_every_line_is_looked_at() -> None:
    key, token = SECRETS["AWS access key"], SECRETS["Hugging Face token"]
    assert found_in(("prompt", f"{key}\n\n{token}"), ("clean.py", "x = 1"), (".env", f"A=1\nB={key}")) == (
        ("prompt", 1, "AWS access key"),
        ("prompt", 3, "Hugging Face token"),
        (".env", 2, "AWS access key"),
    )


@pytest.mark.parametrize(
    "text",
    [
        "",
        "Write a function that validates an email address.",
        "Connect to postgresql://user:password@localhost/db",  # a placeholder
        "Connect to postgresql://$USER:${PASSWORD}@localhost/db",
        'password = "hunter2hunter2hunter2"',  # an example in code
        "Verify the header x-paystack-signature with crypto.timingSafeEqual in constant time",
        "0123456789abcdef" * 4,  # a digest
        "see https://example.com/a/very/long/path/of/words/and/more/words",
        "Bind to 127.0.0.1 and 192.168.1.5",  # an address is no secret
    ],
)
def test_what_prompts_are_full_of_is_no_secret(text: str) -> None:
    scan_for_secrets([("prompt", text)])


_ALPHABETS = {
    "d": string.digits,
    "h": "0123456789abcdef",
    "l": string.ascii_lowercase + string.digits,
    "U": string.ascii_uppercase + string.digits,
    "a": string.ascii_letters + string.digits,
    "w": string.ascii_lowercase + string.digits + "_-",
    "W": string.ascii_letters + string.digits + "_-",
    "A": "A",
}
_PROMPTS = Path(__file__).parents[3] / "shared" / "data" / "prompts_multilang.jsonl"


def made(example: str, chance: random.Random) -> str:
    return re.sub(
        r"\{([a-zA-Z])(\d+)\}", lambda m: "".join(chance.choice(_ALPHABETS[m[1]]) for _ in range(int(m[2]))), example
    )


@pytest.mark.parametrize("examples", [GITLEAKS, MORE], ids=["gitleaks", "more"])
def test_of_each_kind_of_secret_nearly_every_one_is_found(examples: dict[str, str]) -> None:
    chance = random.Random(8)
    missed = {
        kind: sum(not secrets_in(f"Deploy with this:\n{made(example, chance)}\nand tell me.") for _ in range(10))
        for kind, example in examples.items()
    }
    kinds = [kind for kind, number in missed.items() if number > 2]

    assert len(kinds) <= 0.02 * len(examples), kinds
    assert sum(missed.values()) <= 0.02 * 10 * len(examples), missed


def test_no_prompt_of_the_collection_holds_one() -> None:
    if not _PROMPTS.exists():
        pytest.skip("the collection of prompts is not here")
    prompts = [json.loads(line)["prompt"] for line in _PROMPTS.read_text(encoding="utf-8").splitlines()]

    assert len(prompts) > 400
    assert [prompt for prompt in prompts if secrets_in(prompt)] == []


def test_a_secret_in_base64_or_put_together_from_pieces_is_found() -> None:
    token = "ghp_" + "a1B2" * 9
    assert secrets_in("x = " + base64.b64encode(f"token={token}".encode()).decode())
    assert secrets_in(f'token = "{token[:9]}" + "{token[9:]}"')


@pytest.mark.parametrize("field", ["key", "caller", "out"])
def test_a_secret_in_a_field_beside_the_prompt_is_refused_as_well(tmp_path: Path, field: str) -> None:
    queue = make_queue(tmp_path)
    with Bridge(str(queue)) as bridge, pytest.raises(SecretFound):
        bridge.add("Write f.", **{field: "ghp_" + "a1B2" * 9})


@pytest.mark.parametrize(
    "text",
    [
        "sk-ant-" * 17_000, "a" * 120_000, "eyJ" * 40_000, "A3-" * 40_000, "key=" * 30_000, "https://" * 15_000, '"+"' * 30_000,
        "password: " * 12_000, "ZXlK" * 30_000, "1" * 120_000, "-----BEGIN " * 11_000, "curl -u " * 15_000, "kind: Secret\n" * 9_000,
        "Authorization: Bearer " * 6_000, "0a1B2c3D-" * 13_000, "x" * 11 + "\n" + "://" * 40_000,
    ],
)  # fmt: skip
@pytest.mark.timeout(30)
def test_no_text_takes_long(text: str) -> None:
    secrets_in(text)  # quadratic, each would take minutes
