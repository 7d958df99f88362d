"""`%%qwen`, `%qwen_again` and `ask_qwen` in an IPython shell (7.34, which is Colab's, and newer).

    %%qwen 01JD3K6S7M2W8Q5V4T9R0XYZAB --lang python     answers the cell's text into the cell's output
    %qwen_again 01JD3K                                  the next run of that cell asks anew; without an id: of all cells
    ask_qwen("Explain this regex: …")                   the answer as a text, outside the queue

`%qwen_again` is a magic of its own, because the header of a prompt cell is a closed list and belongs to the job: a flag
there would stay in the file and every later Run all would ask again.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Sequence
from typing import Any

from IPython import get_ipython
from IPython.core.magic import no_var_expand
from IPython.display import clear_output, display

from .catalogue import DEFAULT_MODEL
from .display import to_display, with_footer
from .footer import footer_of
from .grammar import GrammarError, is_result, parse_result
from .options import DEFAULT_MAX_TOKENS, DEFAULT_NUM_CTX, OPTIONS
from .run import RunSettings
from .server import reviver
from .session import Session
from .setup import prepare
from .snapshot import open_notebook, where_am_i
from .spool import Spool, spool_path

_display: Any = display  # IPython has no types for these two
_clear_output: Any = clear_output


class OutputDisplay:
    """The output of the cell that is being executed; only from the main thread, so that it is that cell's."""

    def __init__(self) -> None:
        self._handle: Any = None

    def show(self, text: str) -> None:
        """One output that is updated in place."""
        if self._handle is None:
            self._handle = _display(_bundle(text), raw=True, display_id=True)
        else:
            self._handle.update(_bundle(text), raw=True)

    def final(self, text: str) -> None:
        """Exactly one `display_data`: the result in both carriers.

        Cleared and displayed anew instead of updated: what an update leaves in the saved file is up to the front end.
        """
        self.clear()
        _display(_bundle(text, footer=True), raw=True)

    def clear(self) -> None:
        """Take away what `show` showed, as soon as something else is shown."""
        if self._handle is not None:
            _clear_output(wait=True)
            self._handle = None


class AskDisplay(OutputDisplay):
    """The same beside other output of the cell, which must stay: it only ever empties its own."""

    def clear(self) -> None:
        """Empty the output that `show` made."""
        if self._handle is not None:
            self._handle.update(_bundle(""), raw=True)
            self._handle = None


def _bundle(text: str, *, footer: bool = False) -> dict[str, str]:
    shown = to_display(text)
    if footer and is_result(text):
        with contextlib.suppress(GrammarError):
            shown = with_footer(shown, footer_of(parse_result(text)[0]))
    return {"text/markdown": shown, "text/plain": text}


def _show_panel() -> Callable[[str], None]:
    """A place for the panel in the output of the cell that is being executed; later cells update it there."""

    def bundle(text: str) -> dict[str, str]:
        return {
            "text/markdown": text,
            "text/plain": text,
        }  # not through the display form: it holds no text of an answer

    handle = _display(bundle("*The prompts below are listed here while they are answered.*"), raw=True, display_id=True)
    return lambda text: handle.update(bundle(text), raw=True)


class QwenAnswer(str):
    """An answer; as the last line of a cell it is shown as Markdown, in its display form."""

    __slots__ = ()

    def _repr_markdown_(self) -> str:
        return to_display(str(self))


def qwen_session() -> Session:
    """The session of this kernel.

    Raises:
        RuntimeError: the runtime cell has not run.
    """
    session = getattr(get_ipython(), "bridge_session", None)
    if session is None:
        raise RuntimeError("run the notebook's runtime cell first")
    return session  # type: ignore[no-any-return]  # an attribute that register_qwen set


def ask_qwen(
    prompt: str,
    model: str | None = None,
    *,
    system: str | None = None,
    max_tokens: int | None = None,
    temperature: float | None = None,
    top_p: float | None = None,
    seed: int | None = None,
    stop: str | Sequence[str] | None = None,
) -> str:
    """The model's answer to a prompt, shown while it comes. What is not given is as in the settings.

    Raises:
        OptionError: an option cannot have this value.
        OllamaError: no answer; with the reason.
    """
    given = {
        "model": model,
        "max_tokens": max_tokens,
        "temperature": temperature,
        "top_p": top_p,
        "seed": seed,
        "stop": stop,
    }
    options = {name: OPTIONS[name].read(value) for name, value in given.items() if value is not None}
    return QwenAnswer(qwen_session().ask(prompt, system=system, options=options, screen=AskDisplay()))


def set_up_qwen(
    model: str = DEFAULT_MODEL,
    *,
    lanes: int = 0,
    context: int = DEFAULT_NUM_CTX,
    max_tokens: int = DEFAULT_MAX_TOKENS,
    again: bool = False,
    host: str = "",
) -> None:
    """Make this machine answer prompts: GPU check, Ollama, fit, download, and what `%%qwen` uses from now on.

    `model`: a name, or `auto` for the largest that fits whole. `lanes`: requests at the same time; 0 for as many as fit, at
    most four. `again`: answer also what has an answer.

    Raises:
        SetupError: a step failed; shown without a stack.
    """
    screen = AskDisplay()
    wanted = RunSettings(model=model, lanes=lanes, num_ctx=context, max_tokens=max_tokens, host=host)
    settings, server = prepare(wanted, say=print, show=screen.show)
    screen.clear()
    session = qwen_session()
    session.configure(settings, revive=reviver(server))
    session.panel.show = _show_panel()
    if again:
        session.again()
    session.note_end()


def register_qwen(shell: Any = None) -> None:
    """Give an IPython shell (default: this kernel's) the magics; a second time replaces them and keeps the settings."""
    shell = shell or get_ipython()
    before = getattr(shell, "bridge_session", None)
    session = Session(
        before.settings if before else RunSettings(host=os.environ.get("OLLAMA_HOST", "")),
        where=where_am_i(shell.user_ns, os.environ),
        notebook=lambda: open_notebook(shell.user_ns, os.environ),
        spool=Spool(spool_path()),
        revive=before.revive if before else lambda: None,
    )
    if before:
        before.interrupt()
    session.note_end()
    shell.bridge_session = session

    @no_var_expand
    def qwen(line: str, cell: str) -> None:
        """Answer this cell's text into its output."""
        session.run_cell(line, cell, OutputDisplay())

    @no_var_expand
    def qwen_again(line: str) -> None:
        """Forget results, so that the next run of their cells asks anew."""
        print(f"{session.again(line.split())} job(s) will be asked again when their cells run.")  # noqa: T201

    shell.register_magic_function(qwen, "cell", "qwen")
    shell.register_magic_function(qwen_again, "line", "qwen_again")
