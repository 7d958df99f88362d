"""Checkers that stay: nothing of one answer reaches the next, a crash costs only the checker, and they say what a fresh one says."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from bridge.checking import Toolchain, Verdict, examine
from bridge.checking.checkers.base import CheckContext, Checker, CheckOutcome, Source
from bridge.checking.checkers.c_cpp import GXX
from bridge.checking.checkers.go import GOVET
from bridge.checking.checkers.go_cache import GoCache, standard_imports
from bridge.checking.checkers.headers import Headers
from bridge.checking.checkers.java import JAVAC
from bridge.checking.checkers.residents import Residents
from bridge.checking.header_names import includes, offered, words
from bridge.sandbox.confinement import confinement
from bridge.sandbox.folder import Sandbox

SANDBOX = confinement().holds


@pytest.fixture(scope="module")
def toolchain() -> Iterator[Toolchain]:
    with Toolchain() as own:
        yield own


def checked(
    checker: Checker, toolchain: Toolchain, code: str, language: str, *, fresh: bool, **beside: str
) -> CheckOutcome:
    """What a checker says of a text; `fresh`: by a program that is started for it alone."""
    with toolchain.sandboxes.take() as lane, Sandbox(lane=None if fresh else lane) as box:
        for name, text in beside.items():
            box.put(name.replace("_java", ".java"), text)
        context = CheckContext(
            toolbox=toolchain.toolbox, parsers=toolchain.parsers, box=box,
            residents=None if fresh else toolchain.residents, headers=None if fresh else toolchain.headers,
            go_cache=None if fresh else toolchain.go_cache,
        )  # fmt: skip
        outcome = checker.check(Source(language=language, code=code, name=f"text.{language}"), context)
        return replace(outcome, again="")  # a busy machine


# ---- javac ----------------------------------------------------------------------------------------------------------

needs_javac = pytest.mark.skipif(
    not shutil.which("javac") or not SANDBOX, reason="needs javac, and a sandbox that holds"
)

SOUND = "import java.util.*;\nclass B { int f(List<Integer> a) { return a.get(0); } }\n"
#: What each would change for the next answer if anything of it stayed.
LEFT_BEHIND = {
    "a class that the next one lacks": "public class Missing { public static int x; }",
    "a class of the JDK's name": "package java.util; public class List<T> { }",
    "a class of java.lang": "package java.lang; public class String { }",
    "a property of the machine": 'class A { static { System.setProperty("user.dir", "/nowhere"); System.exit(3); } }',
    "a processor": '@javax.annotation.processing.SupportedAnnotationTypes("*")\npublic class P extends javax.annotation.processing.AbstractProcessor {\n'
        " public boolean process(java.util.Set<? extends javax.lang.model.element.TypeElement> a, javax.annotation.processing.RoundEnvironment r) { System.exit(3); return true; } }",
    "a module": "module broken { requires nothing.at.all; }",
    "a hundred errors": "class A { " + "int x = y; " * 100 + "}",
    "a stack that is too deep": "class A { int x = " + "(" * 9000 + "1" + ")" * 9000 + "; }",
    "a constant that grows": "class A { static final String a = \"" + "x" * 30000 + "\";\n"
        + "\n".join(f"static final String a{n} = {'a' if not n else f'a{n-1}'} + {'a' if not n else f'a{n-1}'};" for n in range(14)) + "}",
}  # fmt: skip
#: What the next one says with and without it.
NEXT = (SOUND, "class B { Missing m; String s = 1; Object o = Missing.x; P p; }")


@needs_javac
@pytest.mark.parametrize("left", LEFT_BEHIND)
def test_what_one_java_answer_leaves_changes_nothing_for_the_next(toolchain: Toolchain, left: str) -> None:
    checked(JAVAC, toolchain, LEFT_BEHIND[left], "java", fresh=False)
    for code in NEXT:
        assert checked(JAVAC, toolchain, code, "java", fresh=False) == checked(
            JAVAC, toolchain, code, "java", fresh=True
        )


@needs_javac
@pytest.mark.parametrize(
    ("code", "beside"),
    [
        (SOUND, {}),
        ("public class Other { int x = 1 + ; }", {}),
        ("public class A { B b; int n = b.size(); }", {"B_java": "class B { int size() { return 1; } }"}),
        ("public class A { B b; int n = b.none(); }", {"B_java": "class B { int size() { return 1; } }"}),
        ("public class A { B b; }", {"B_java": "class B { int x = ; }"}),  # the fault is in the other file
        ("import org.junit.Test;\nclass A { @Test void f() { } }", {}),
        ("class A { void f() { int x; x++; return 1; } }", {}),
        ("class Ä { String s = \"ü\"; int 変 = s; }", {}),
        ("", {}),
    ],
)  # fmt: skip
def test_the_javac_that_stays_says_what_a_fresh_one_says(
    toolchain: Toolchain, code: str, beside: dict[str, str]
) -> None:
    stays = checked(JAVAC, toolchain, code, "java", fresh=False, **beside)
    assert stays == checked(JAVAC, toolchain, code, "java", fresh=True, **beside)


@needs_javac
def test_a_javac_that_crashes_is_asked_again_as_a_fresh_program_and_starts_anew(toolchain: Toolchain) -> None:
    with Residents(within=toolchain.within) as residents, Sandbox() as box:
        context = CheckContext(toolbox=toolchain.toolbox, parsers=toolchain.parsers, box=box, residents=residents)
        assert JAVAC.stays is not None
        broken = replace(JAVAC, stays=replace(JAVAC.stays, request=lambda _path, _box: b"not base64!"))
        source = Source(language="java", code=SOUND, name="B.java")
        assert broken.check(source, context) == CheckOutcome(again="javac ended without an answer; asked again alone")
        assert JAVAC.check(source, context) == CheckOutcome()


# ---- g++ ------------------------------------------------------------------------------------------------------------

needs_gxx = pytest.mark.skipif(not shutil.which("g++") or not SANDBOX, reason="needs g++, and a sandbox that holds")

CPP = [
    "#include <bits/stdc++.h>\nusing namespace std;\nint f(vector<int> a) { sort(a.begin(), a.end()); return a[0]; }\n",
    "#include <bits/stdc++.h>\nusing namespace std;\nint f(vector<int> a) { return b[0]; }\n",
    "#include <bits/stdc++.h>\nusing namespace std;\nint lock(int a) { return a; }\nstruct async { };\nasync x;\n",  # clashes with <future>
    "// words\n#include <bits/stdc++.h>\nstd::regex r(\"a\");\nint g() { return std::thread::hardware_concurrency(); }\n",
    "#include <bits/stdc++.h>\nint main() { std::list<int> a; std::sort(a.begin(), a.end()); }\n",  # found in a template
    "#include <vector>\nstd::vector<int> a;\nstd::map<int, int> b;\n",  # a header is missing
    "#include <vector>\n\n/* and\nmore */ #include <map>\nstd::vector<int> a;\nint x = y;\n",
    "#define private public\n#include <vector>\nstd::vector<int> a;\n",
    "#include <iostream>\n#include \"other.h\"\nint main() { std::cout << 1; }\n",
    "#include <vector>\nint f() { }\nint g() { return f(1); }\n",
]  # fmt: skip


@needs_gxx
def test_with_prepared_headers_gxx_says_what_it_says_without(toolchain: Toolchain) -> None:
    without = [checked(GXX, toolchain, code, "cpp", fresh=True) for code in CPP]
    for _ in range(3):  # they are made when they are asked for the second time
        assert [checked(GXX, toolchain, code, "cpp", fresh=False) for code in CPP] == without
    assert list(toolchain.headers.folder.glob("*/*.gch"))


@needs_gxx
def test_a_text_can_only_read_the_prepared_headers(toolchain: Toolchain) -> None:
    with Headers(within=toolchain.within) as headers:
        wanted = includes("#include <vector>\n")
        assert wanted is not None
        gxx = toolchain.toolbox.find("g++") or ""
        found = [list(headers.ready(gxx, ["-std=gnu++20"], wanted)) for _ in range(2)]
        assert not found[0]
        [made] = found[1]
        with toolchain.sandboxes.take() as lane, Sandbox(lane=lane) as box:
            script = f"ls {made.file}.gch && echo x > {made.file}; echo x > {made.file.parent}/x; rm -f {made.file}"
            ran = box.run(["/bin/sh", "-c", script], readable=(headers.folder,))
        assert ran.stdout == f"{made.file}.gch\n"
        assert made.file.read_text() == "#include <vector>\n"
        assert not (made.file.parent / "x").exists()


def test_only_standard_headers_before_everything_else_count() -> None:
    assert includes("int x;\n#include <vector>\n") is None
    assert includes("#include <boost/any.hpp>\n#include <vector>\n") is None
    assert includes('#include "mine.h"\n#include <vector>\n') is None
    found = includes("// a\n#include <vector> // b\n/* c\n */\n#include <map>\n#ifdef X\n#include <set>\n#endif\n")
    assert found is not None
    assert found.names == {"vector", "map"}
    assert found.rest == "\n\n\n\n\n#ifdef X\n#include <set>\n#endif\n"


def test_names_that_a_text_can_clash_with_stand_outside_of_classes_and_functions() -> None:
    text = (
        "#define M 1\nnamespace std { inline namespace v1 { class A { int member; void method(); };\n"
        "template<class T> int f(T inner) { int local; return '{'; } enum E { one, two }; enum class S { three };\n"
        'extern "C" { int g(); } int A::method() { } double operator""if(int); int after; } }\n'
    )
    assert offered(text) >= {"M", "A", "f", "E", "one", "two", "g", "after"}
    assert not offered(text) & {"member", "local", "three", "method", "if"}


def test_words_of_comments_are_none() -> None:
    assert words('int a; // b\n/* c */ d("// e");') >= {"int", "a", "d"}
    assert not words("int a; // b\n/* c */ d;") & {"b", "c"}
    assert "b" in words('auto a = R"(/*)"; b(); /* */')


# ---- go vet ---------------------------------------------------------------------------------------------------------

#: A text, and words of what is said of it.
GO = [
    ('package main\n\nimport "fmt"\n\nfunc main() { fmt.Println(1) }\n', []),
    (
        'package main\n\nimport "fmt"\n\nfunc main() { fmt.Printf("%d", "text") }\n',
        ["wrong type"],
    ),  # no compiler says so
    (
        'package a\n\nimport (\n\t"fmt"\n\t"os"\n)\n\nfunc f() string { return fmt.Sprint(missing()) }\n',
        ["undefined: missing"],
    ),
    ('package a\n\nimport "no/such"\n\nvar x = such.Y\n', ["no/such"]),
]


@pytest.mark.skipif(not shutil.which("go") or not SANDBOX, reason="needs go, and a sandbox that holds")
def test_go_vet_judges_with_packages_that_are_compiled_already(toolchain: Toolchain) -> None:
    go = toolchain.toolbox.find("go") or ""
    with GoCache(within=toolchain.within) as cache:
        held = cache.holding(go, {"GO111MODULE": "off", "CGO_ENABLED": "0"}, ["fmt"])
        assert sum(1 for _ in held.rglob("*-d")) > 20
    for code, said in GO:
        outcome = checked(GOVET, toolchain, code, "go", fresh=False)
        assert outcome.failure is None
        messages = " ".join(finding.message for finding in outcome.findings)
        assert bool(messages) is bool(said)
        assert all(word in messages for word in said), (code, messages)


def test_only_names_of_the_standard_library_are_compiled_ahead() -> None:
    text = 'package a\nimport (\n "fmt"\n x "net/http"\n "github.com/a/b"\n "../up"\n "a b"\n "internal/x"\n)\nimport "os"\n'
    assert standard_imports(text) == {"fmt", "net/http", "os"}


# ---- whole answers --------------------------------------------------------------------------------------------------


def test_answers_side_by_side_in_lanes_get_what_they_get_alone(toolchain: Toolchain, tmp_path: Path) -> None:
    from concurrent.futures import ThreadPoolExecutor

    answers = [f"```python\ndef f{n}(x):\n    return x + {'y' if n % 3 == 0 else n}\n```\n" for n in range(24)]
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda a: examine(a, finish_reason="stop", toolchain=toolchain).verdict, answers))
    assert found == [Verdict.ERRORS if n % 3 == 0 else Verdict.CLEAN for n in range(24)]
