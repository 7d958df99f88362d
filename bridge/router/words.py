"""Words that speak for code: of programmers alone, of programmers too, tools, languages. One or more words each, singular. Pure."""

from __future__ import annotations

#: Mean nothing but what programmers mean.
STRONG = frozenset(
    """
    subroutine, array, linked list, hashmap, hash map, hash table, hash function, binary tree, binary heap, binary search, data structure,
    unit test, integration test, test suite, compile, compiled, compiling, compiler, linker, linter, refactor, refactoring, debug,
    debugger, debugging, parser, parsing, endpoint, middleware, callback, async, await, stack trace, traceback, pull request, codebase,
    source code, code block, code review, git commit, commits, query plan, foreign key, dependency injection, type hint, type error,
    generics, iterator, tuple, struct, dataclass, boolean, integer, recursion, recursive, for loop, while loop, off-by-one, nested if,
    guard clause, lookup table, null, environment variable, command line, one-liner, shell command, deadlock, memory leak,
    segmentation fault, core dumped, race condition, thread pool, time complexity, floating point, unused import, lock file, cache eviction,
    exponential backoff, debounce, paginate, pagination, serialize, serialise, deserialize, deserialise, serializer, vectorize, vectorise,
    deduplicate, monorepo, pseudocode, rest api, api call, api key, api client, regular expression, duplicate symbol, global state, squash,
    rebase, frontend, front-end, backend, back-end, webhook, runtime, substring, whitespace, concatenate, iterate, iterating, iteration,
    byte, cron, cron job, breakpoint, enum, closure, inheritance, polymorphism, semaphore, coroutine, event loop, garbage collector,
    garbage collection, stack overflow, big-o, dropdown, modal, tooltip, sidebar, dark mode, dark theme, media query, hex, base64, utf-8,
    unicode, ascii, changelog, semver, stdlib, boilerplate, crud, migration, type cast
    """.replace("\n", " ").split(",")
)
#: Everybody's words, which programmers use as well: several of them together mean something.
WEAK = frozenset(
    """
    function, string, variable, parameter, payload, schema, database, exception, undefined, selector, div, pod, container, socket, proxy,
    snippet, dependency, dependencies, getter, setter, stub, mock, cache, query, queries, loop, pointer, commit, branch, merge, parse,
    server, client, deploy, logger, logging, crash, crashes, build, install, package, version, upgrade, latency, button, toggle,
    responsive, token, sort, sorted, key, value, map, set, queue, stack, heap, binary, encode, decode, prefix, suffix, empty, optional,
    private, public, return, swap, temporary, workflow, request, response, upload, download, browser, console, terminal, script, code,
    class, method, program, api, algorithm, test, bug, integration, index, list, dictionary, dictionaries, table, column, field, thread,
    log, handler, timeout, import, header, input, output, default, element, file, module
    """.replace("\n", " ").split(",")
)
TOOLS = frozenset(
    """
    git, github, gitlab, docker, dockerfile, docker-compose, kubernetes, kubectl, terraform, nginx, redis, postgres, postgresql, sqlite,
    mysql, mongodb, sql, html, css, json, yaml, toml, xml, csv, graphql, http, https, jwt, oauth, websocket, regex, regexp, regexes, awk,
    sed, grep, bash, npm, pip, cargo, maven, gradle, pytest, vitest, mocha, jest, junit, eslint, prettier, webpack, vite, cmake, makefile,
    numpy, pandas, pytorch, tensorflow, ci, cli, sdk, orm, uuid, stdin, stdout, localhost, flexbox, localstorage, argparse, asyncio,
    goroutine, mutex, mutexes, wal, sha-256, sha256, s3, aws, lambda, printf
    """.replace("\n", " ").split(",")
)
#: Languages whose names mean nothing else.
LANGUAGES = frozenset(
    """
    javascript, typescript, kotlin, haskell, elixir, erlang, clojure, powershell, fortran, golang, php, lua, ocaml, c++, c#, f#, cpp,
    emacs lisp, common lisp, visual basic, spring boot, scala
    """.replace("\n", " ").split(",")
)
#: Languages and frameworks whose names are words, animals, islands and people as well.
AMBIGUOUS = (
    "python", "java", "groovy", "rust", "ruby", "perl", "racket", "tcl", "cobol", "pascal", "julia", "dart", "swift", "matlab",
    "prolog", "go", "lisp", "scheme", "zig", "markdown", "awk", "sed", "bash", "sql", "html", "css", "json",
)  # fmt: skip
FRAMEWORKS = ("node", "react", "vue", "angular", "django", "flask", "express", "rails")
#: What is made of code.
MADE = "function|class|method|code|script|program|module|snippet|package|server|backend|project|library|developer|one-liner|loop|app|component"
