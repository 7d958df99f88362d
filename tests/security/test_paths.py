"""Which paths may be written: one table for the rule that every door uses (bridge/core/paths.py)."""

from __future__ import annotations

import pytest

from bridge.core.paths import refuse, sensitive, twin_key

REFUSED = [
    # git's own folder, however it is spelt
    ".git/config", ".GIT/hooks/pre-commit", ".Git", "a/.git/config", ".git./config", ".git /config", ".ｇｉｔ/config", "．git/config", "git~1/config",
    "GIT~2", ".g\u200cit/config", ".git\u200d/config", "./.git/config", ".git\\config", "sub\\.git\\hooks\\post-commit", ".git::$INDEX_ALLOCATION/config",
    # out of the folder
    "../f.py", "a/../../f.py", "..", "a/..", "..\\f.py", "a\\..\\..\\f.py", "/etc/passwd", "\\\\server\\share", "C:f.py", "C:\\f.py", "~/f.py", "~root/x",
    "a//b", "a/./b", "./", "", "．．/f.py", "a/\u2025/b", "／etc/passwd",
    # Windows: devices, streams, ends, short names
    "con", "CON.txt", "con .txt", "aux.py", "a/NUL", "nul.tar.gz", "COM1", "com9.log", "COM¹.txt", "LPT³", "COM\u00b2.c", "conin$", "CONOUT$.txt", "prn. ",
    "f.py:stream", "f.py.", "f.py ", " f.py", "a /b.py", "a./b.py", "a<b", 'a"b', "a|b", "a?b", "a*b", "GITHUB~1/workflows/x.yml", "CLAUDE~1/settings.json",
    "PACKAG~1.JSO", "MAKEFI~1",
    # what is not visible, or turns the text around
    "a\x00b", "a\nb", "a\tb", "a\x1b[31m.py", "a\u202egpj.py", "a\u200bb.py", "\ufefff.py", "a\u2028b", "\ud800.py", "a\u00adb.py", "\U000e0041.py",
    # could be an option, is a placeholder, is too long
    "-rf", "a/-x", "--out=x", "path/to/file.py", "your/path/to/x", "a" * 251,
]  # fmt: skip

SENSITIVE = [
    ".github/workflows/ci.yml", ".GitHub/x", ".vscode/tasks.json", "sub/.vscode/settings.json", ".claude/settings.json", ".CLAUDE/x", ".mcp.json",
    ".husky/pre-commit", ".envrc", ".env", ".env.local", "conftest.py", "tests/Conftest.PY", "package.json", "Makefile", "GNUmakefile", "rules.mk",
    "setup.py", "pyproject.toml", "tox.ini", "noxfile.py", "sitecustomize.py", "x.pth", "build.rs", "Cargo.toml", ".cargo/config.toml", "rust-toolchain",
    "build.gradle.kts", "gradlew", "pom.xml", "CMakeLists.txt", "justfile", "Rakefile", "Gemfile", "Dockerfile", "Dockerfile.dev", "docker-compose.yml",
    "Jenkinsfile", ".gitlab-ci.yml", ".travis.yml", "azure-pipelines.yml", ".circleci/config.yml", "bitbucket-pipelines.yml", "eslint.config.js",
    ".eslintrc.json", "vite.config.ts", "tsconfig.json", "tsconfig.app.json", "CLAUDE.md", "AGENTS.md", "sub/agents.md", ".cursorrules", ".cursor/rules/x.mdc",
    ".bashrc", ".bash_profile", ".zshenv", ".profile", ".inputrc", ".ssh/config", ".config/fish/config.fish", ".npmrc", ".yarnrc.yml", ".gitattributes",
    ".gitmodules", ".gitconfig", ".pre-commit-config.yaml", "lefthook.yml", ".devcontainer/devcontainer.json", ".devcontainer.json", ".idea/workspace.xml",
    ".hg/hgrc", ".pylintrc", "mypy.ini", ".gdbinit", ".vimrc", "Vagrantfile", "BUILD.bazel", "app.csproj", "Directory.Build.props", "configure",
    "node_modules/x/index.js", "ＭＡＫＥＦＩＬＥ", ".ＶＳＣＯＤＥ/tasks.json", "package.JSON", "binding.gyp", "composer.json", "mix.exs", "Package.swift", "netlify.toml",
]  # fmt: skip

FREE = [
    "src/lib/email.ts", "f.py", "./f.py", "a/b/c/d.rs", "README.md", ".gitignore", ".gitkeep", "docs/make.md", "src/package.ts", "makefile_parser.py",
    "conf.py", "test_conftest.py", "src/git.py", "digit/config", "console.py", "com.py", "com10.txt", "nullable.rs", "auxiliary.c", "a~b.txt",
    "näive.py", "日本語.py", "a b.txt", "x-y.js", "v1.2.3/a.b.c", "src/env.ts", "environment.ts", "CHANGELOG.md", "main.go", "settings.json", "build/x.py",
]  # fmt: skip


@pytest.mark.parametrize("path", REFUSED)
def test_a_path_that_must_never_be_written(path: str) -> None:
    assert refuse(path), path


@pytest.mark.parametrize("path", SENSITIVE)
def test_a_path_that_programs_run_or_obey(path: str) -> None:
    assert sensitive(path), path


@pytest.mark.parametrize("path", FREE)
def test_a_path_like_any_other(path: str) -> None:
    assert (refuse(path), sensitive(path)) == (None, None)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("README.md", "Readme.md"),  # case
        ("caf\u00e9.py", "cafe\u0301.py"),  # composed and not: macOS
        ("stra\u00dfe.py", "STRASSE.py"),  # what folds to two letters
        ("\ufb01le.py", "file.py"),  # a ligature
        ("\u212bngstrom.py", "\u00c5ngstrom.py"),  # a sign and a letter
        ("\u017fet.py", "Set.py"),  # a long s
        ("src\\f.py", "src/f.py"),
        ("./f.py", "f.py"),
        ("\u0130.py", "i\u0307.py"),
    ],
)
def test_two_names_of_one_file(one: str, other: str) -> None:
    assert twin_key(one) == twin_key(other)
