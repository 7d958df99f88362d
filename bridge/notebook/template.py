"""The notebooks that a person gets: a new queue, and the one that sets Ollama up in Colab."""

from __future__ import annotations

from typing import Any

from bridge.job import Job, Options, Spec
from bridge.notebook import codec, prompt_cell, wire
from bridge.notebook.raw import RawCell

_METADATA = {
    "accelerator": "GPU",
    "colab": {"gpuType": "T4", "provenance": []},
    "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
    "language_info": {"name": "python"},
}

_ABOUT = """# Qwen Bridge: a queue of coding prompts

Each cell that begins with `%%qwen` is one job: a prompt, and below it the answer. Dev agents add cells; a free GPU answers
them.

1. In Colab: *Runtime > Change runtime type > T4 GPU*.
2. *Runtime > Run all*. The first cells start Ollama and fetch the model; then all open prompts are answered in parallel.
3. Save (*Ctrl+S*). The answers are in the notebook; whoever asked for them finds them there.

A cell that has its answer is not run again. You may add prompts of your own: begin a code cell with `%%qwen`, and write
below that line. Deleting a cell cancels its job. If Colab says that the file was updated remotely, reload the tab before
you run: nothing is lost either way, but you will see the newest prompts.
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


def part_notes() -> list[RawCell]:
    """The cells that each part begins with, so that each can be run on its own: explanation, setup, runtime."""
    return [
        _note("bridge-about", "-A", "markdown", _ABOUT),
        _note("bridge-setup", "-B", "code", setup_source()),
        _note("bridge-runtime", "-C", "code", runtime_source()),
    ]


def setup_source() -> str:
    """The setup cell."""
    return "# Setup: filled in by the worker.\n"


def runtime_source() -> str:
    """The runtime cell."""
    return "# Runtime: filled in by the worker.\n"


def queue_notebook(queue_id: str, *, examples: bool = False) -> dict[str, Any]:
    """A new, empty queue as notebook JSON; with the three example jobs if asked."""
    raws = part_notes()
    for job_id, prompt, options in EXAMPLES if examples else ():
        job = Job(id=job_id, spec=Spec(body=prompt, options=options, position=job_id))
        raws.append(prompt_cell.write_job(job, {}))
    notebook = {"cells": raws, "metadata": {**_METADATA, "bridge": {"schema": 1, "queue_id": queue_id, "part": 1, "context": {}}},
                "nbformat": 4, "nbformat_minor": 5}  # fmt: skip
    return codec.write_part(codec.read_part(notebook))


def setup_notebook() -> dict[str, Any]:
    """The notebook that sets Ollama up in Colab and works on the queue unattended."""
    about = "# Ollama in Colab\n\nSets up Ollama on a T4 and works on the queue in this folder.\n"
    cells = [_note("setup-about", "-A", "markdown", about), _note("setup-ollama", "-B", "code", setup_source())]
    return {"cells": cells, "metadata": dict(_METADATA), "nbformat": 4, "nbformat_minor": 5}


def notebook_bytes(notebook: dict[str, Any]) -> bytes:
    """A notebook as the bytes of its file."""
    return wire.join_notebook([wire.dump_cell(cell) for cell in notebook["cells"]], notebook["metadata"])


def _note(element: str, position: str, cell_type: str, source: str) -> RawCell:
    raw: dict[str, Any] = {
        "cell_type": cell_type,
        "id": element,
        "metadata": {},
        "source": wire.split_lines(source),
    }
    if cell_type == "code":
        raw |= {"execution_count": None, "outputs": []}
    return codec.note_cell(raw, element, position, {}, 0).raw
