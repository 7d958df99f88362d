"""Secrets are found with place, line and kind, and are never repeated in the message."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bridge.core.errors import SecretFound
from bridge.intake.secret_scan import scan_for_secrets

quick = settings(deadline=None, derandomize=True)

#: Kind → an example, put together here so that no scanner takes this file for a leak.
SECRETS = {
    "AWS Access Key": "AKIA" + "IOSFODNN7" + "EXAMPLE",
    "Private Key": "-----BEGIN RSA " + "PRIVATE KEY-----",
    "GitHub Token": "ghp_" + "a1B2" * 9,
    "GitHub Fine-grained Token": "github_pat_" + "a1B2" * 12,
    "Google API Key": "AIza" + "Sy" + "a" * 33,
    "Anthropic Key": "sk-ant-" + "api03-" + "x" * 30,
    "OpenAI Key": "sk-proj-" + "a1B2" * 8,
    "Hugging Face Token": "hf_" + "Q" * 34,
    "Supabase Secret Key": "sb_secret_" + "a1B2" * 6,
    "Basic Auth Credentials": "postgresql://admin:" + "s3cr3tX9@db.example.com/x",
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
    assert f"prompt, line 2: looks like a {kind}" in str(caught.value)
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
    key, token = SECRETS["AWS Access Key"], SECRETS["Hugging Face Token"]
    assert found_in(("prompt", f"{key}\n\n{token}"), ("clean.py", "x = 1"), (".env", f"A=1\nB={key}")) == (
        ("prompt", 1, "AWS Access Key"),
        ("prompt", 3, "Hugging Face Token"),
        (".env", 2, "AWS Access Key"),
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
