"""Paths that come from outside: one rule for `--out`, for headers, for the paths in an answer, the outbox and `apply`. Pure.

`refuse` names what must never be written, on any system, because the folder may be synced to another one. `sensitive` names what
some program executes, or takes orders from, without being asked: that is written only with consent for that very path.
"""

from __future__ import annotations

import re
import unicodedata

_MOST_CHARS = 250
#: Names of devices, with any extension; Windows reads superscript digits as digits
#: (https://learn.microsoft.com/windows/win32/fileio/naming-a-file).
_DEVICE = re.compile(r"(?i)^(?:con|prn|aux|nul|conin\$|conout\$|(?:com|lpt)[\d¹²³])[ .]*(?:\..*)?$")
#: What Windows also calls a longer name: `GITHUB~1` is `.github`.
_SHORT = re.compile(r"(?i)^[^~]{1,6}~\d{1,3}(?:\.[^.]{0,3})?$")
_GIT = re.compile(r"(?i)^(?:\.git|git~\d+)(?:$|[ .:])")

#: Folders whose files programs run or obey: continuous integration, editors, agents, hooks.
_SENSITIVE_FOLDERS = frozenset(
    {
        ".github", ".gitlab", ".circleci", ".buildkite", ".azure-pipelines", ".vscode", ".idea", ".fleet", ".zed", ".devcontainer",
        ".claude", ".cursor", ".codex", ".gemini", ".qwen", ".aider", ".continue", ".opencode", ".windsurf", ".husky", ".githooks",
        ".cargo", ".mvn", ".bundle", ".yarn", ".direnv", "node_modules", ".hg", ".jj", ".svn", ".bzr", ".ssh", ".gnupg", ".config", ".local",
        ".roo", ".clinerules", ".kiro", ".amazonq", ".junie", ".vs", ".run", ".moon", ".devbox", ".lefthook", ".woodpecker", ".tekton",
    }
)  # fmt: skip
_SENSITIVE_NAMES = re.compile(
    r"(?:\.mcp\.json|\.envrc|\.env(?:\..*)?|\.(?:bash|zsh|z)?(?:rc|profile|login|env)|\.npmrc|\.yarnrc.*|\.pnpmfile\..*"
    r"|\.pre-commit-config\.ya?ml|\.gitlab-ci\.ya?ml|\.travis\.yml|azure-pipelines.*\.ya?ml|jenkinsfile|\.git(?:attributes|modules|config)"
    r"|conftest\.py|sitecustomize\.py|usercustomize\.py|.*\.pth|setup\.(?:py|cfg)|pyproject\.toml|tox\.ini|noxfile\.py|pytest\.ini"
    r"|package\.json|(?:gnu)?makefile|.*\.mk|cmakelists\.txt|justfile|taskfile\.ya?ml|rakefile|gemfile|dockerfile.*|docker-compose.*"
    r"|compose\.ya?ml|build\.rs|cargo\.toml|rust-toolchain.*|build\.gradle.*|settings\.gradle.*|gradlew.*|mvnw.*|pom\.xml"
    r"|(?:gulp|grunt)file\..*|(?:eslint|prettier|vite|vitest|webpack|rollup|jest|babel|postcss|tailwind|next|nuxt|svelte|astro)"
    r"\.config\..*|\.eslintrc.*|\.prettierrc.*|\.babelrc.*|tsconfig.*\.json|claude\.md|agents\.md|gemini\.md|qwen\.md"
    r"|\.cursorrules|\.windsurfrules|\.clinerules|\.goosehints|\.aider.*|opencode\.jsonc?|crush\.json"
    r"|\.bash_.*|\.(?:input|net|curl|wget|pdb|python|irb|pry|hg|ex|vim|nvim|lua|luacheck|pylint|coverage|swc|bazel)rc|_vimrc|\.rprofile"
    r"|\.gdbinit|\.lldbinit|\.tmux\.conf|\.devcontainer\.json|\.?lefthook.*\.(?:ya?ml|toml|json)|\.pre-commit-hooks\.ya?ml|crontab"
    r"|mypy\.ini|\.mypy\.ini|\.flake8|\.rubocop.*|\.perlcriticrc|composer\.json|deno\.jsonc?|bunfig\.toml|turbo\.json|nx\.json|lerna\.json"
    r"|pnpm-workspace\.yaml|binding\.gyp|build\.sbt|mix\.exs|package\.swift|podfile|vagrantfile|procfile|tiltfile|earthfile|brewfile|snakefile"
    r"|build(?:\.bazel)?|workspace(?:\.bazel)?|module\.bazel|meson\.build|sconstruct|wscript|configure|directory\.build\.(?:props|targets)"
    r"|.*\.(?:csproj|fsproj|vbproj|vcxproj|targets|props|sln)|(?:bitbucket-pipelines|buildspec|cloudbuild|codemagic|skaffold)\.ya?ml"
    r"|\.?(?:appveyor|drone|cirrus|woodpecker|wercker)\.ya?ml|netlify\.toml|vercel\.json|fly\.toml|dagger\.json)"
)


def refuse(path: str) -> str | None:
    """Why a path must not be used; None if it may be.

    Refused: absolute paths, drives, `..`, control and direction characters, placeholders (`path/to/`), names that a
    shell, git or Windows treats specially, and names that look like another one (`.ｇit`, `COM¹`).
    """
    if not path or len(path) > _MOST_CHARS:
        return f"is empty or longer than {_MOST_CHARS} characters"
    if any(unicodedata.category(c) in ("Cc", "Cf", "Cs", "Co", "Zl", "Zp") for c in path):
        return "holds control characters"
    folded = unicodedata.normalize("NFKC", path)
    if folded.startswith(("/", "\\", "~")):
        return "is absolute"
    if ":" in folded:
        return "names a drive or a stream"
    if re.match(r"(?i)(?:your[/_-])?path/to/", path):
        return "is a placeholder"
    for part in re.split(r"[/\\]", folded.removeprefix("./")):
        if reason := _refuse_part(part):
            return reason
    return None


def _refuse_part(part: str) -> str | None:
    if part in ("", ".", ".."):
        return "leaves its folder" if part == ".." else "has an empty part"
    if part.startswith("-"):
        return "could be read as an option"
    if _DEVICE.match(part) or part.endswith((".", " ")) or part.startswith(" ") or any(c in '<>"|?*' for c in part):
        return "is no name on Windows"
    if _GIT.match(part):
        return "lies in git's own folder"
    if _SHORT.match(part):
        return "is another file's short name on Windows"
    return None


def sensitive(path: str) -> str | None:
    """Why writing this file needs consent of its own: what executes or obeys it; None if nothing does."""
    *folders, name = (part.casefold() for part in re.split(r"[/\\]", unicodedata.normalize("NFKC", path)))
    for folder in folders:
        if folder in _SENSITIVE_FOLDERS:
            return f"programs run or obey what lies in {folder}"
    if name in _SENSITIVE_FOLDERS or _SENSITIVE_NAMES.fullmatch(name):
        return f"programs run or obey a file called {name}"
    return None


def normal(path: str) -> str:
    """A safe path as it is stored: `/` between its parts, no leading `./`."""
    return path.replace("\\", "/").removeprefix("./")


def twin_key(path: str) -> str:
    """The same for paths that are one file on a system which ignores case and Unicode forms (macOS, Windows)."""
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", normal(path)).casefold())
