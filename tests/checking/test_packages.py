"""Imports of packages: what is known is silent, what nobody knows is shown and asked about, and blocks nothing."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from benchmarks.invented import INVENTED, REST
from bridge.checking import Toolchain, Verdict, examine
from bridge.checking.faults import faults, repair_prompt
from bridge.checking.packages.misspelt import one_error
from bridge.checking.repair import RepairStop, repair
from bridge.checking.values import Diagnostic, FindingKind, Report
from bridge.core.chat import ChatReply, FinishReason


@pytest.fixture(scope="module")
def quiet() -> Iterator[Toolchain]:
    """Without programs: what is imported is read by ours alone."""
    with Toolchain(checkers=()) as own:
        yield own


def answered(language: str, code: str) -> str:
    return f"```{language}\n{code}```\n"


def told(answer: str, toolchain: Toolchain, **more: object) -> list[Diagnostic]:
    report = examine(answer, finish_reason="stop", toolchain=toolchain, **more)  # type: ignore[arg-type]
    return [d for d in report.diagnostics if d.kind is FindingKind.PACKAGE]


@pytest.mark.parametrize(("language", "line"), [(name, line) for name, lines in INVENTED.items() for line in lines])
def test_an_invented_package_is_found(language: str, line: str, quiet: Toolchain) -> None:
    code = ("package main\n\n" if language == "go" else "") + line + REST[language]
    found = told(answered(language, code), quiet)
    assert len(found) == 1
    assert not found[0].blocking
    assert "known" in found[0].message or "standard library" in found[0].message


#: What is no package that anybody has to know.
KNOWN = {
    "python": [
        "import os, sys as system", "from __future__ import annotations", "import yaml", "from PIL import Image", "import cv2",
        "from sklearn.svm import SVC", "import google.cloud.storage", "from . import sibling", "from .models import User",
        "import torch.nn as nn", "import urllib2", "import my_module", "from utils import helper", "import _thread",
        '"""Use it so:\nimport inventedthing\n"""', "# import inventedthing", "text = 'import inventedthing'",
    ],
    "typescript": [
        "import fs from 'fs/promises';", "import a from '@/lib/a';", "import b from './b';", "import c from '../c';",
        "import type { R } from 'express';", "import { x } from '@aws-sdk/client-s3';", "import map from 'lodash/map';",
        "import t from 'node:test';", "import '~/styles.css';", "import d from 'https://deno.land/std/fs/mod.ts';",
        "import { Button } from 'components/Button';", "// import x from 'inventedthing';", "import e from '#internal/e';",
        "const s = `import x from 'inventedthing'`;", "import { test } from 'bun:test';", "import n from '$lib/n';",
    ],
    "go": [
        'import "net/http/httptest"', 'import "github.com/gorilla/mux"', 'import "gopkg.in/yaml.v3"', 'import "C"',
        'import "github.com/jackc/pgx/v5/pgxpool"', 'import "myapp/models"', 'import "example.com/shop/cart"',
        'import _ "github.com/lib/pq"', 'import "golang.org/x/sync/errgroup"', '// import "inventedthing"',
    ],
    "rust": [
        "use std::collections::HashMap;", "use serde::{Deserialize, Serialize};", "use crate::models::User;", "use super::*;",
        "mod shapes;\nuse shapes::Circle;", "use std::fmt;\nuse fmt::Display;", "extern crate alloc;", "use tokio::sync::mpsc;",
        "enum Kind { A }\nuse Kind::A;", "use self::Kind;", "// use inventedthing::X;",
    ],
    "java": [
        "import java.util.*;", "import javax.swing.JFrame;", "import org.springframework.boot.SpringApplication;",
        "import static org.junit.jupiter.api.Assertions.*;", "import org.w3c.dom.Document;", "import com.example.shop.Cart;",
        "import org.apache.commons.lang3.StringUtils;", "import java.util.function.Function;", "// import org.inventedthing.X;",
        "import java.util.concurrent.TimeUnit;", "import com.fasterxml.jackson.databind.ObjectMapper;",
    ],
}  # fmt: skip


@pytest.mark.parametrize(("language", "line"), [(name, line) for name, lines in KNOWN.items() for line in lines])
def test_what_is_known_relative_or_no_import_is_silent(language: str, line: str, quiet: Toolchain) -> None:
    code = ("package main\n\n" if language == "go" else "") + line + REST[language]
    assert told(answered(language, code), quiet) == []


#: One typing error, and the popular package that was meant.
MISSPELT = [
    ("python", "import reqeusts", "requests"), ("python", "import numppy", "numpy"), ("python", "import panda5", "pandas"),
    ("javascript", "import x from 'expresss';", "express"), ("javascript", "const _ = require('loadsh');", "lodash"),
    ("typescript", "import { Component } from '@anguler/core';", "@angular/*"),
    ("go", 'import "github.com/gorila/mux"', "github.com/gorilla/mux"), ("rust", "use serde_jsn::Value;", "serde_json"),
    ("java", "import org.springframwork.boot.X;", "org.springframework"),
]  # fmt: skip


@pytest.mark.parametrize(("language", "line", "right"), MISSPELT)
def test_a_name_one_typing_error_from_a_popular_package_names_it(
    language: str, line: str, right: str, quiet: Toolchain
) -> None:
    code = ("package main\n\n" if language == "go" else "") + line + REST[language]
    (found,) = told(answered(language, code), quiet)
    assert found.code == "misspelt-package"
    assert f"away from {right}," in found.message


def test_one_error_is_a_letter_more_less_or_other_or_two_that_changed_places() -> None:
    assert all(one_error("numpy", other) for other in ("numpyy", "umpy", "nunpy", "nmupy", "nuumpy"))
    assert not any(one_error("numpy", other) for other in ("numpy", "nuppmy", "numpyyy", "pynum"))


#: A file of the caller's project, its text, and an import that it makes known.
DECLARED = [
    ("pyproject.toml", '[project]\nname = "shop"\ndependencies = ["fastjsonx[all]>=1"]\n', "python", "import fastjsonx"),
    ("pyproject.toml", '[tool.poetry.dependencies]\nfast-jsonx = "^1"\n', "python", "import fast_jsonx"),
    ("pyproject.toml", '[dependency-groups]\ntest = ["python-fastjsonx"]\n', "python", "import fastjsonx"),
    ("requirements.txt", "# ours\nfastjsonx==1.2  # fast\n", "python", "import fastjsonx.deep"),
    ("setup.py", "setup(install_requires=['fastjsonx>=2'])\n", "python", "import fastjsonx"),
    ("shopping/__init__.py", "pass\n", "python", "from shopping.cart import Cart"),
    ("package.json", '{"devDependencies": {"@datawizz/query": "1"}}', "javascript", "import q from '@datawizz/query/deep';"),
    ("tsconfig.json", '{"compilerOptions": {"paths": {"shop/*": ["./src/*"]}}}', "typescript", "import c from 'shop/cart';"),
    ("go.mod", "module shop.dev/cart\n\nrequire (\n\tgithub.com/csvmagic/reader/v2 v2.1.0\n)\n", "go",
     'import "github.com/csvmagic/reader/v2/deep"'),
    ("go.mod", "module shop.dev/cart\n", "go", 'import "shop.dev/cart/internal/price"'),
    ("Cargo.toml", '[dependencies]\nfast-jsonic = { version = "1" }\n', "rust", "use fast_jsonic::Parser;"),
    ("pom.xml", "<project><dependency><groupId>org.fastjsonx</groupId></dependency></project>", "java",
     "import org.fastjsonx.deep.Parser;"),
    ("build.gradle", "dependencies { implementation 'org.fastjsonx:parser:1.0' }", "java", "import org.fastjsonx.Parser;"),
]  # fmt: skip


@pytest.mark.parametrize(("file", "text", "language", "line"), DECLARED)
def test_what_the_project_declares_or_has_is_known(
    file: str, text: str, language: str, line: str, quiet: Toolchain
) -> None:
    code = ("package main\n\n" if language == "go" else "") + line + REST[language]
    assert len(told(answered(language, code), quiet)) == 1
    assert told(answered(language, code), quiet, project={file: text}.get) == []


@pytest.mark.parametrize(
    "text", ["", "{", "[" * 100_000, '{"dependencies": [1]}', "[project]\ndependencies = 7\n", "\0"]
)
@pytest.mark.parametrize(
    "file", ["pyproject.toml", "package.json", "Cargo.toml", "go.mod", "pom.xml", "requirements.txt"]
)
def test_a_manifest_that_cannot_be_read_declares_nothing(file: str, text: str, quiet: Toolchain) -> None:
    lines = {"package.json": ("javascript", "import x from 'fastjsonx';"), "go.mod": ("go", 'import "fast.dev/jsonx"'),
             "Cargo.toml": ("rust", "use fastjsonx::X;"), "pom.xml": ("java", "import org.fastjsonx.X;")}  # fmt: skip
    language, line = lines.get(file, ("python", "import fastjsonx"))
    code = ("package main\n\n" if language == "go" else "") + line + REST[language]
    assert len(told(answered(language, code), quiet, project={file: text}.get)) == 1


def test_the_manifest_of_the_file_s_own_folder_counts_too(quiet: Toolchain) -> None:
    answer = "```ts\n// packages/web/src/a.ts\nimport q from 'datawizz';\nexport const a = q;\n```\n"
    files = {"packages/web/package.json": '{"dependencies": {"datawizz": "1"}}'}
    assert told(answer, quiet, project=files.get) == []
    assert len(told(answer, quiet, project={"packages/api/package.json": files["packages/web/package.json"]}.get)) == 1


def test_a_package_that_the_prompt_names_or_the_answer_brings_is_known(quiet: Toolchain) -> None:
    code = "import fastjsonx\n\nprint(fastjsonx.loads('1'))\n"
    assert told(answered("python", code), quiet, prompt="Parse it with fastjsonx.") == []
    assert (
        told(f"{answered('python fastjsonx.py', 'def loads(text): ...' + chr(10))}\n{answered('python', code)}", quiet)
        == []
    )
    assert len(told(answered("python", code), quiet, prompt="Parse it with json.")) == 1


def test_an_unknown_package_leaves_an_answer_clean_and_is_asked_about_once(toolchain: Toolchain) -> None:
    report = examine(
        answered("python", "import fastjsonx\n\nprint(fastjsonx.loads('1'))\n"),
        finish_reason="stop",
        toolchain=toolchain,
    )
    assert report.verdict is Verdict.CLEAN
    (fault,) = faults(report)
    assert "fastjsonx" in fault.message
    assert "fastjsonx: no such package of Python is known" in repair_prompt("Parse JSON.", report)


def test_a_distribution_s_name_that_is_not_what_one_imports_says_what_is(quiet: Toolchain) -> None:
    (found,) = told(answered("python", "import beautifulsoup4\n\nprint(beautifulsoup4)\n"), quiet)
    assert "imported as bs4" in found.message


@pytest.mark.parametrize(
    ("reply", "stop", "improved"),
    [
        ("import json\n\nprint(json.loads('1'))\n", RepairStop.CLEAN, True),
        ("import fastjsonx\n\nprint(fastjsonx.loads('1'))\n", RepairStop.SAME, False),  # it is meant so
    ],
)
def test_a_package_that_nobody_knows_is_asked_about_once_and_no_more(
    reply: str, stop: RepairStop, improved: bool, toolchain: Toolchain
) -> None:
    def judge(text: str, reason: FinishReason | None) -> Report:
        return examine(text, prompt="Parse JSON.", finish_reason=reason and reason.value, toolchain=toolchain)

    first = answered("python", "import fastjsonx\n\nprint(fastjsonx.loads('1'))\n")
    steps = repair(first, prompt="Parse JSON.", judge=judge)
    asked = next(steps)
    with pytest.raises(StopIteration) as ended:
        steps.send(ChatReply(text=answered("python", reply), finish_reason=FinishReason.STOP))
    outcome = ended.value.value
    assert "no such package of Python is known" in asked.messages[0].text
    assert (outcome.stop, outcome.improved, outcome.rounds) == (stop, improved, 1)
    assert outcome.report.verdict is Verdict.CLEAN
