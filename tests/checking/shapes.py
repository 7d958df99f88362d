"""Sixty shapes of answers, and what a person would take from each: path (None: it has none) and text, and the verdict."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

PY = "import os\n\nprint(os.sep)\n"
PY_2 = "import sys\n\nprint(sys.path)\n"
JS = "export function twice(x) {\n  return x * 2;\n}\n"
TS = "export function twice(x: number): number {\n  return x * 2;\n}\n"
SH = 'set -e\nfor f in *.txt; do\n  echo "$f"\ndone\n'
BAD = "def f(x:\n    y = x\n    return y\n"
F = "def f(x):\n    y = x\n    return y\n"
G = "def f(x):\n    y = x + 0\n    return y\n"
HTML = "<!doctype html>\n<html>\n<head><title>A</title></head>\n<body><p>Hi</p></body>\n</html>\n"
CSS = "body {\n  margin: 0;\n}\n"
VUE = "<template>\n  <p>{{ n }}</p>\n</template>\n\n<script setup>\nimport { ref } from 'vue'\n\nconst n = ref(1)\n</script>\n"
SVELTE = "<script>\n  let n = 1;\n</script>\n\n<p>{n}</p>\n"
README = "# Tool\n\n## Install\n\n```bash\npip install tool\n```\n\n## Use\n\n```python\nimport tool\n```\n\nMIT\n"
NOTEBOOK = (
    '{"cells": [{"cell_type": "code", "execution_count": null, "id": "a", "metadata": {}, "outputs": [], '
    '"source": ["print(1)\\n"]}], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}\n'
)
TREE = "src/\n├── a.py\n└── b.py\n"
IN_A_STRING = "README = '''\n# Title\n```bash\npip install x\n```\nMore.\n'''\n\n\ndef f():\n    return README\n"
LONG = "".join(f"def f{i}(x):\n    return x + {i}\n\n\n" for i in range(24_000))[:-2]


@dataclass(frozen=True, kw_only=True)
class Shape:
    """An answer and what is handed over of it."""

    name: str
    answer: str
    wants: Mapping[str | None, str] = field(default_factory=dict)  #: path: text; None: without a path
    verdict: str = "clean"
    prompt: str = ""
    lang: str | None = None
    out: str | None = None
    finish: str | None = "stop"


def fenced(label: str, code: str, mark: str = "```") -> str:
    return f"{mark}{label}\n{code}{mark}\n"


RUN = fenced("bash", "python a.py\n")
CALL = fenced("python", "f(1)\n")
IGNORE = fenced("", "*.pyc\n")


def shapes() -> Iterator[Shape]:
    """All of them."""
    yield from _fences()
    yield from _files()
    yield from _versions()
    yield from _around()
    yield from _kinds()
    yield from _ends()
    yield from _sizes()


def _fences() -> Iterator[Shape]:
    one = {None: PY}
    block = fenced("python", PY)
    yield Shape(name="a fence", answer=block, wants=one)
    yield Shape(name="a fence between sentences", answer=f"Here you are:\n\n{block}\nIt prints.\n", wants=one)
    yield Shape(name="a fence of tildes", answer=fenced("python", PY, "~~~"), wants=one)
    yield Shape(name="a long fence", answer=fenced("python", PY, "``````"), wants=one)
    yield Shape(name="a label in capitals", answer=fenced("Python", PY), wants=one)
    yield Shape(name="a label with a version", answer=fenced("python3", PY), wants=one)
    yield Shape(name="a label in braces", answer=fenced("{.python}", PY), wants=one, lang="python")
    yield Shape(name="no label, the language was asked for", answer=fenced("", PY), wants=one, lang="python")
    yield Shape(name="no label, the prompt names it", answer=fenced("", PY), wants=one, prompt="Write Python.")
    yield Shape(name="the label in the first line", answer=fenced("", "python\n" + PY), wants=one)
    yield Shape(name="the label twice", answer=fenced("python", "python\n" + PY), wants=one)
    yield Shape(
        name="in a list", answer="1. First:\n\n   " + block.replace("\n", "\n   ").rstrip() + "\n2. Done.\n", wants=one
    )
    yield Shape(name="in a quote", answer="".join(f"> {line}\n" for line in block.splitlines()), wants=one)
    yield Shape(name="a template's token behind the closer", answer=f"```python\n{PY}```<|im_end|>\n", wants=one)
    yield Shape(
        name="a sentence behind the closer", answer=f"```python\n{PY}``` This prints the separator.\n", wants=one
    )
    yield Shape(name="the closer twice", answer=f"{block}```\n", wants=one)
    yield Shape(name="no opener", answer=f"{PY}```\n", wants=one, lang="python")
    yield Shape(name="fences in a string", answer=fenced("python", IN_A_STRING), wants={None: IN_A_STRING})


def _files() -> Iterator[Shape]:
    two = {"a.py": PY, "b.py": PY_2}
    for name, head in {
        "paths in backticks": "`{}`\n```python\n",
        "paths as headings": "### {}\n\n```python\n",
        "paths in bold": "**{}**\n\n```python\n",
        "paths behind the label": "```python {}\n",
        "paths behind a colon": "```python:{}\n",
        "paths as titles": '```python title="{}"\n',
        "paths after a number": "1. `{}`:\n\n```python\n",
        "paths after a word": "File: {}\n```python\n",
    }.items():
        answer = "\n".join(f"{head.format(path)}{code}```\n" for path, code in two.items())
        yield Shape(name=name, answer=answer, wants=two)
    commented = {path: f"# {path}\n{code}" for path, code in two.items()}
    blocks = "\n".join(fenced("python", code) for code in commented.values())
    yield Shape(name="paths in the first comment", answer=blocks, wants=commented)
    bundle = "\n".join(commented.values())
    yield Shape(name="several files in one fence", answer=fenced("python", bundle), wants=commented)
    whole = "\n".join(f"`{path}`\n{fenced('python', code)}" for path, code in two.items())
    yield Shape(name="all of it in a fence of Markdown", answer=fenced("markdown", whole, "````"), wants=two)
    yield Shape(name="a tree before the files", answer=f"{fenced('', TREE)}\n{whole}", wants=two)
    yield Shape(name="commands after the files", answer=f"{whole}\n{RUN}", wants=two)
    yield Shape(
        name="one file asked for, an example beside it",
        answer=f"{fenced('python', F)}\nUse it:\n\n{CALL}",
        wants={"m.py": F},
        out="m.py",
    )
    yield Shape(name="a path out of the project", answer=f"`../../etc/a.py`\n{fenced('python', PY)}", wants={None: PY})
    yield Shape(
        name="a file that no parser knows", answer=f"{whole}\n`.gitignore`\n{IGNORE}",
        wants={**two, ".gitignore": "*.pyc\n"},
    )  # fmt: skip


def _versions() -> Iterator[Shape]:
    bad, good = fenced("python", BAD), fenced("python", F)
    yield Shape(
        name="broken, then good", answer=f"Option 1 (broken):\n{bad}\nOption 2 (good):\n{good}", wants={None: F}
    )
    yield Shape(name="a correction", answer=f"{bad}\nWait, there is a mistake. Corrected:\n{good}", wants={None: F})
    yield Shape(
        name="the same path twice",
        answer=f"`a.py`\n{bad}\nHere is the fixed version:\n\n`a.py`\n{good}",
        wants={"a.py": F},
    )
    yield Shape(
        name="two variants, the first goes to the path",
        answer=f"Recursive:\n{good}\nIterative:\n{fenced('python', G)}",
        wants={"m.py": G},
        out="m.py",
    )
    yield Shape(name="a file in two languages", answer=f"{fenced('js', JS)}\n{fenced('python', F)}", wants={"m.py": F},
                out="m.py", lang="python")  # fmt: skip


def _around() -> Iterator[Shape]:
    block = fenced("python", PY)
    one = {None: PY}
    yield Shape(
        name="thoughts before", answer=f"<think>\nPerhaps:\n```python\nx = (\n```\n</think>\n\n{block}", wants=one
    )
    yield Shape(name="thoughts without an opening tag", answer=f"Let me see.\n</think>\n\n{block}", wants=one)
    yield Shape(name="Ollama's thoughts", answer=f"Thinking...\nHm.\n...done thinking.\n\n{block}", wants=one)
    yield Shape(name="only thoughts", answer="<think>\nHm, well", verdict="incomplete", finish="length")
    yield Shape(
        name="a tool call as text",
        answer='<tool_call>\n{"name": "write_file", "arguments": {"path": "a.py"}}\n</tool_call>\n',
        verdict="no_code",
    )
    yield Shape(name="CRLF", answer=block.replace("\n", "\r\n"), wants=one)
    yield Shape(name="a byte-order mark", answer="\ufeff" + block, wants=one)
    yield Shape(name="colours of a terminal", answer=f"\x1b[1mCode\x1b[0m\n{block}", wants=one)
    yield Shape(name="entities in place of angle brackets",
                answer=fenced("python", "x = 1\nif x &lt; 2 and x &gt; 0:\n    print(x)\n"),
                wants={None: "x = 1\nif x < 2 and x > 0:\n    print(x)\n"})  # fmt: skip
    yield Shape(name="no fence", answer=PY, wants={None: PY}, lang="python")
    yield Shape(name="no fence, a label", answer="python\n" + PY, wants={None: PY})
    yield Shape(name="no fence, after a sentence", answer=f"Here is the code:\n\n{F}", wants={None: F}, lang="python")
    yield Shape(name="no code", answer="Paris is the capital of France.", verdict="no_code")


def _kinds() -> Iterator[Shape]:
    yield Shape(name="a document", answer=README, wants={"README.md": README}, verdict="unchecked", out="README.md",
                prompt="Write README.md.")  # fmt: skip
    yield Shape(name="a document in a longer fence", answer=fenced("markdown", README, "````"), verdict="unchecked",
                wants={"README.md": README}, out="README.md", prompt="Write README.md.")  # fmt: skip
    yield Shape(name="Vue", answer=fenced("vue", VUE), wants={"A.vue": VUE}, out="A.vue")
    yield Shape(name="Vue, broken", answer=fenced("vue", VUE.replace("ref(1)", "ref(1")), wants={"A.vue": VUE.replace("ref(1)", "ref(1")},
                out="A.vue", verdict="errors")  # fmt: skip
    yield Shape(name="Svelte", answer=fenced("svelte", SVELTE), wants={"A.svelte": SVELTE}, out="A.svelte")
    broken = SVELTE.replace("let n = 1", "let n = (1")
    yield Shape(name="Svelte, broken", answer=fenced("svelte", broken), wants={"A.svelte": broken}, out="A.svelte",
                verdict="errors")  # fmt: skip
    yield Shape(name="a page with its style and script",
                answer=f"`index.html`\n{fenced('html', HTML)}\n`a.css`\n{fenced('css', CSS)}\n`a.js`\n{fenced('js', JS)}",
                wants={"index.html": HTML, "a.css": CSS, "a.js": JS})  # fmt: skip
    script = HTML.replace("<p>Hi</p>", "<script>\n  const n = (1;\n</script>")
    yield Shape(name="a page with a broken script", answer=fenced("html", script), wants={"a.html": script}, out="a.html",
                verdict="errors")  # fmt: skip
    yield Shape(name="a notebook", answer=fenced("json", NOTEBOOK), wants={"a.ipynb": NOTEBOOK}, out="a.ipynb")
    cell = NOTEBOOK.replace("print(1)", "print(1")
    yield Shape(name="a notebook with a broken cell", answer=fenced("json", cell), wants={"a.ipynb": cell}, out="a.ipynb",
                verdict="errors")  # fmt: skip
    session = fenced("console", "$ ls\na.py\n$ python a.py\n/\n")
    yield Shape(name="a shell session", answer=session, verdict="unchecked")
    yield Shape(name="a shell script", answer=fenced("bash", SH), wants={"a.sh": SH}, out="a.sh")
    yield Shape(name="a tree alone", answer=fenced("", TREE), verdict="no_code")
    yield Shape(name="TypeScript", answer=fenced("ts", TS), wants={"a.ts": TS}, out="a.ts")
    yield Shape(name="Python for TypeScript", answer=fenced("python", F), wants={"a.ts": F}, out="a.ts",
                lang="typescript", verdict="errors")  # fmt: skip
    yield Shape(name="a body that the prompt begins",
                answer=fenced("python", "    y = x\n    return y\n"), prompt=fenced("python", "def f(x):\n"),
                wants={None: "    y = x\n    return y\n"})  # fmt: skip


def _ends() -> Iterator[Shape]:
    yield Shape(name="cut at the limit", answer=f"```python\n{PY}def f(", wants={None: PY + "def f(\n"}, finish="length",
                verdict="incomplete")  # fmt: skip
    yield Shape(name="no closer, nobody says why", answer=f"```python\n{PY}", wants={None: PY}, finish=None,
                verdict="incomplete")  # fmt: skip
    yield Shape(name="no closer, the engine says that it ended", answer=f"```python\n{PY}", wants={None: PY})
    yield Shape(name="an open bracket without a fence", answer=PY + "x = [1,\n", wants={None: PY + "x = [1,\n"},
                finish=None, lang="python", verdict="incomplete")  # fmt: skip
    future = "import os\nfrom __future__ import annotations\n\nprint(os.sep)\n"
    yield Shape(
        name="a future import out of place", answer=fenced("python", future), wants={None: future}, verdict="errors"
    )
    yield Shape(name="the second file is cut", answer=f"`a.py`\n{fenced('python', PY)}\n`b.py`\n```python\n{PY_2}x = (",
                wants={"a.py": PY, "b.py": PY_2 + "x = (\n"}, finish="length", verdict="incomplete")  # fmt: skip


def _sizes() -> Iterator[Shape]:
    yield Shape(name="a megabyte", answer=fenced("python", LONG), wants={None: LONG}, verdict="unchecked")
    many = "".join(fenced("python", f"print({i})\n") for i in range(5000))
    yield Shape(name="5,000 fences", answer=many, wants={"m.py": "print(1000)\n"}, out="m.py", verdict="unchecked")
    yield Shape(name="a line of a megabyte", answer=fenced("python", f"x = '{'a' * 1_000_000}'\n"), verdict="unchecked",
                wants={None: f"x = '{'a' * 1_000_000}'\n"})  # fmt: skip
    yield Shape(name="nothing", answer="", verdict="no_code")
