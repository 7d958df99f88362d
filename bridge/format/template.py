"""The notebooks that a person gets: a new queue, and the one that sets Ollama up in Colab."""

from __future__ import annotations

import ast
import re
from collections.abc import Mapping
from importlib import resources

from bridge.core.job import Job, Options, Spec
from bridge.format import codec, json_bytes, prompt_cell
from bridge.format.raw_cell import RawCell, cells_of, extras_of, native_id, source_of
from bridge.format.runtime_cell import runtime_source
from bridge.kernel import catalogue, fit
from bridge.kernel.options import DEFAULT_MAX_TOKENS, DEFAULT_NUM_CTX

_METADATA = {
    "accelerator": "GPU",
    "colab": {"gpuType": "T4", "provenance": []},
    "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
    "language_info": {"name": "python"},
}

_ABOUT = """# Qwen Bridge: a queue of coding prompts

[Go to the first prompt](#Prompts) · \
[![Open in Colab](https://colab.research.google.com/assets/colab-badge.svg)](https://colab.research.google.com/)

Each cell that begins with `%%qwen` is one job: a prompt, and below it the answer. Dev agents add cells; a free GPU answers
them.

1. In Colab: *Runtime > Change runtime type > T4 GPU*.
2. *Runtime > Run all*. The first two cells start Ollama and fetch the model; then all open prompts are answered, several
   at the same time. Model and context are chosen in the form of the second cell.
3. Save (*Ctrl+S*). The answers are in the notebook; whoever asked for them finds them there.

*Run all* answers every open prompt; running one cell answers that cell. A cell that has its answer is not run again. You may add prompts of your own: begin a code cell with `%%qwen`, and write
below that line. Deleting a cell cancels its job. If Colab says that the file was updated remotely, reload the tab before
you run: nothing is lost either way, but you will see the newest prompts.
"""

_PROMPTS = """## Prompts

Each cell below is one prompt, and its answer stands below it.
"""

#: The three jobs of the notebook that ships with the project.
EXAMPLES: tuple[tuple[str, str, Options], ...] = (
    (
        "01KANB0000EXAMP1E000000001",
        "Write a TypeScript function `isValidEmail(email: string): boolean` that validates an e-mail address with a regular "
        "expression.\n\nExplain each part of the expression in a JSDoc comment, say there which addresses of RFC 5322 it "
        "leaves out, and give four examples, two valid and two not.\n",
        Options(lang="typescript", out="src/lib/email.ts"),
    ),
    (
        "01KANB0000EXAMP1E000000002",
        "Write a Next.js (App Router) server action `createNote(formData: FormData)` in TypeScript that stores a note in "
        "Supabase.\n\nUse `createServerClient` of `@supabase/ssr` with the cookies of the request. Refuse users who are not "
        "signed in, validate title (1 to 120 characters) and body (at most 10,000), insert into the table `notes`, call "
        "`revalidatePath('/notes')`, and return `{ ok: true, id }` or `{ ok: false, error }`; never throw to the client.\n",
        Options(lang="typescript", out="src/app/notes/actions.ts"),
    ),
    (
        "01KANB0000EXAMP1E000000003",
        "Write an Express handler in TypeScript that verifies a Paystack webhook.\n\nCompute the HMAC-SHA512 of the raw "
        "request body with the secret key from `process.env.PAYSTACK_SECRET_KEY`, compare it with the header "
        "`x-paystack-signature` in constant time (`crypto.timingSafeEqual`, safe for different lengths), answer 401 if it "
        "differs and 200 at once if it matches, and only then handle `charge.success`. Show how to mount it so that the raw "
        "body is kept.\n",
        Options(lang="typescript", out="src/webhooks/paystack.ts"),
    ),
)


#: Those that a Colab machine has room for.
_ROOM_BYTES = 20_000_000_000
_MODELS = [*(size.name for size in catalogue.CATALOGUE if size.weights_bytes <= _ROOM_BYTES), fit.AUTO]

_FORM = f"""\
model = "{catalogue.DEFAULT_MODEL}" #@param {json_bytes.dumps(_MODELS).decode().replace(",", ", ")} {{allow-input: true}}
#@markdown `auto` takes the largest that fits the GPU whole. On a T4 that is 14b; 32b does not fit and writes a few words a second.
lanes = 0 #@param {{type: "integer"}}
#@markdown Answers at the same time. 0: as many as fit, at most {fit.MOST_LANES}.
context = {DEFAULT_NUM_CTX} #@param {{type: "integer"}}
#@markdown Tokens for prompt and answer together; max_tokens is the part of the answer.
max_tokens = {DEFAULT_MAX_TOKENS} #@param {{type: "integer"}}
"""

_SETUP = f"""\
#@title Setup: Ollama and the model {{ display-mode: "form" }}
{_FORM}again = False #@param {{type: "boolean"}}
#@markdown Again: ask also those prompts that have their answer.

set_up_qwen(model, lanes=lanes, context=context, max_tokens=max_tokens, again=again)
"""

_COLAB_ABOUT = """# Answer the queue from Colab, unattended

This notebook answers the prompts of a queue in your Google Drive: it mounts Drive, sets up Ollama, and works until no prompt
waits or the time is up. Answers are written into the queue every few seconds; whatever stops it costs only the prompts that
were being answered. Choose a GPU (*Runtime > Change runtime type > T4 GPU*), then *Runtime > Run all*, and allow access to Drive.

**Before you use it on the free tier.** Google gives free GPUs to people who work in a notebook, and lists "running
distributed computing workers" and getting around the notebook's own interface among what it does not allow there; it may
end such a session without warning. A worker that runs by itself is at least against the spirit of that. The way that is
meant: open `qwen_bridge.ipynb`, press *Run all* yourself, and keep the tab open. It needs nothing of this notebook. With paid
compute units these limits do not apply, and this notebook is the more comfortable way.

Do not keep `qwen_bridge.ipynb` open in another tab while this one works: a save there would bring back old outputs for a
while (nothing is lost: the next merge puts them right).
"""

_COLAB_FORM = f"""\
#@title Settings {{ display-mode: "form" }}
{_FORM}max_time = "2h" #@param {{type: "string"}}
#@markdown Begin no prompt after this: 90s, 30min, 2h.
queue_file = "" #@param {{type: "string"}}
#@markdown The queue below My Drive, such as `notebooks/qwen_bridge.ipynb`. Empty: the only one that there is.
"""

#: A line of a form: what a person chose stands before the mark.
_FIELD = re.compile(r"^(\w+) = (.*?)(?= *# ?@param)", re.MULTILINE)


def part_notes() -> list[RawCell]:
    """The cells that each part begins with, so that each can be run on its own: explanation, runtime, setup, a heading to link to."""
    return [
        _note("bridge-about", "-A", "markdown", _ABOUT),
        _note("bridge-runtime", "-B", "code", runtime_source()),
        _note("bridge-setup", "-C", "code", _SETUP),
        _note("bridge-prompts", "-D", "markdown", _PROMPTS),
    ]


#: Ids of the cells that only a kernel needs.
KERNEL_CELLS = frozenset({"bridge-runtime", "bridge-setup"})


def with_choices(new: str, old: str) -> str:
    """The source of a form cell with what a person chose in an older version of it: literals, as a form writes them, and no code."""
    chosen = {name: value for name, value in _FIELD.findall(old) if _is_literal(value)}
    return _FIELD.sub(lambda field: f"{field[1]} = {chosen.get(field[1], field[2])}", new)


def _is_literal(value: str) -> bool:
    try:
        return not isinstance(ast.literal_eval(value), list | tuple | dict | set)
    except (ValueError, SyntaxError, RecursionError, MemoryError):
        return False


def fresh_source(note: RawCell, there: RawCell | None) -> str:
    """What a first cell should hold where this one stands now; a person's choices in a form are kept."""
    return with_choices(source_of(note), source_of(there or {}))


def queue_notebook(queue_id: str, *, examples: bool = False) -> dict[str, object]:
    """A new, empty queue as notebook JSON; with the three example jobs if asked."""
    raws = part_notes()
    for job_id, prompt, options in EXAMPLES if examples else ():
        job = Job(id=job_id, spec=Spec(body=prompt, options=options, position=job_id))
        raws.append(prompt_cell.write_job(job, {}))
    notebook = {"cells": raws, "metadata": {**_METADATA, "bridge": {"schema": 1, "queue_id": queue_id, "part": 1, "context": {}}},
                "nbformat": 4, "nbformat_minor": 5}  # fmt: skip
    return codec.write_part(codec.read_part(notebook))


def setup_notebook(wheel: str = "", sha256: str = "") -> dict[str, object]:
    """The notebook that sets Ollama up in Colab and works on the queue unattended.

    Args:
        wheel: name of the package's file beside the queue; without one the notebook belongs to no queue, and says so when run.
        sha256: of that file; no other is installed.
    """
    return {"cells": _setup_cells(wheel, sha256), "metadata": dict(_METADATA), "nbformat": 4, "nbformat_minor": 5}


def _setup_cells(wheel: str, sha256: str) -> list[RawCell]:
    steps = (resources.files("bridge") / "setup" / "colab.py").read_text(encoding="utf-8")
    code = {
        "setup-form": _COLAB_FORM,
        "setup-steps": f'#@title Steps: nothing to change here {{ display-mode: "form" }}\n{steps}',
        "setup-gpu": "look_for_gpu()\n",
        "setup-drive": "queue = find_queue(mount_drive(), queue_file)\n",
        "setup-package": f'install_package(queue.parent, wheel="{wheel}", sha256="{sha256}")\n',
        "setup-ollama": "settings, revive = set_up_ollama(model, lanes=lanes, context=context, max_tokens=max_tokens)\n",
        "setup-work": "work(queue, settings, revive, max_time=max_time);\n",
    }
    cells = [_note("setup-about", "-A", "markdown", _COLAB_ABOUT)]
    cells += [_note(name, f"-{letter}", "code", code[name]) for letter, name in zip("BCDEFGH", code, strict=True)]
    return [_plain(cell) for cell in cells]


def refreshed_setup(notebook: dict[str, object], wheel: str = "", sha256: str = "") -> dict[str, object]:
    """The set-up notebook of an older version brought up to this one; a person's own cells and choices stay."""
    fresh = {native_id(cell): cell for cell in _setup_cells(wheel, sha256)}
    cells = []
    for cell in cells_of(notebook):
        new = fresh.pop(native_id(cell), None)
        cells.append({**cell, "source": json_bytes.split_lines(fresh_source(new, cell))} if new else cell)
    return {**notebook, "cells": [*cells, *fresh.values()], "nbformat": 4, "nbformat_minor": 5}


def notebook_bytes(notebook: Mapping[str, object]) -> bytes:
    """A notebook as the bytes of its file."""
    metadata = notebook.get("metadata")
    cells = [json_bytes.dump_cell(cell) for cell in cells_of(notebook)]
    return json_bytes.join_notebook(cells, metadata if isinstance(metadata, dict) else {})


def _plain(cell: RawCell) -> RawCell:
    """The same cell outside a queue, without our stamp."""
    return {**cell, "metadata": extras_of(cell)}


def _folded(element: str) -> dict[str, object]:
    """What hides the source of a cell: `cellView` in Colab; the tag with nbconvert and books; for the runtime in JupyterLab as well.

    The set-up form stays open outside Colab: it is where the model is chosen.
    """
    form: dict[str, object] = {"cellView": "form"}
    return form | ({"jupyter": {"source_hidden": True}, "tags": ["hide-input"]} if element == "bridge-runtime" else {})


def _note(element: str, position: str, cell_type: str, source: str) -> RawCell:
    raw: dict[str, object] = {
        "cell_type": cell_type,
        "id": element,
        "metadata": _folded(element) if source.startswith("#@title") else {},
        "source": json_bytes.split_lines(source),
    }
    if cell_type == "code":
        raw |= {"execution_count": None, "outputs": []}
    return codec.note_cell(raw, element, position, {}, 0).raw
