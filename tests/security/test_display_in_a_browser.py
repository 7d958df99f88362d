"""Answers that attack, drawn as people see them: by JupyterLab and in the page that nbconvert writes. Nothing runs, nothing is fetched."""

from __future__ import annotations

import base64
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from bridge.kernel.display import from_display, to_display, with_footer
from bridge.kernel.grammar import render_result
from tests.security.injections import CONTROL, armed, injections
from tests.support import browser
from tests.support.jupyter_lab import jupyter_lab

pytestmark = [
    pytest.mark.timeout(180),
    # nbformat, nbconvert and tornado warn about each other: none of it is ours.
    pytest.mark.filterwarnings("default::DeprecationWarning"),
    pytest.mark.filterwarnings("default::ResourceWarning"),
    pytest.mark.filterwarnings("default::UserWarning"),
]
ANSWERS = injections()
#: What a record may hold of an answer, too.
MESSAGE = "$ --> <img src=x onerror=JS> \\begin{a} @@0@@ `"

#: What Markdown makes of an answer that has nothing live in it, and what highlighting adds. No `src`, `style` or `on...` is here.
LOOK = """(() => {
  const tags = new Set(("p br hr dl dt dd h1 h2 h3 h4 h5 h6 ul ol li blockquote sub table thead tbody tr th td em strong del s code pre span a div").split(" "));
  const names = new Set(("class id data-jupyter-id start align target rel data-open data-close data-bridge data-mime-type aria-label jp-mod-searchable tabindex").split(" "));
  const odd = [];
  for (const box of document.querySelectorAll(".jp-RenderedMarkdown")) for (const e of box.querySelectorAll("*")) {
    if (!tags.has(e.localName)) odd.push(e.outerHTML.slice(0, 200));
    for (const a of e.attributes) {
      const fine = a.name == "href" ? /^(https?:\\/\\/|#)/.test(a.value) : a.name == "style" ? /^text-align: ?\\w+;?$/.test(a.value) : names.has(a.name);
      if (!fine) odd.push(a.name + "=" + a.value + " in " + e.outerHTML.slice(0, 200));
    }
  }
  const ran = [...document.documentElement.classList].filter(name => name.startsWith("ran"));
  return {odd, ran, boxes: document.querySelectorAll(".jp-RenderedMarkdown").length, maths: document.querySelectorAll("mjx-container").length};
})()"""


class Counter:
    """The paths that were asked for."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.port = 0


@pytest.fixture
def counter() -> Iterator[Counter]:
    """A server that nobody has a reason to ask."""
    found = Counter()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            found.asked.append(self.path)
            self.send_error(404)

        def log_message(self, *arguments: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        found.port = server.server_address[1]
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        yield found
        server.shutdown()
        thread.join()


def notebook(outputs: list[str]) -> dict[str, Any]:
    """A notebook whose cells show these texts as Markdown, forty in a cell."""
    shown = [
        {"output_type": "display_data", "metadata": {}, "data": {"text/markdown": text, "text/plain": "plain"}}
        for text in outputs
    ]
    cells = [
        {"cell_type": "code", "id": f"c{at}", "metadata": {}, "source": "", "execution_count": None, "outputs": shown[at : at + 40]}
        for at in range(0, len(shown), 40)
    ]  # fmt: skip
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    return {"nbformat": 4, "nbformat_minor": 5, "metadata": {"kernelspec": kernel}, "cells": cells}


def results(port: int) -> list[str]:
    """Every injection as the answer of a result, its record with one of its own."""
    made = []
    for number, text in enumerate(ANSWERS):
        record = {"schema": 1, "job": "x", "error": {"message": armed(MESSAGE, 9000 + number, port)}}
        made.append(render_result(record, armed(text, number, port)))
    return made


def hostile(port: int) -> dict[str, Any]:
    """As a worker writes results now."""
    footer = armed(MESSAGE, 9999, port)
    return notebook([with_footer(to_display(text), footer) for text in results(port)])


def control(port: int) -> dict[str, Any]:
    """As version 0.1 wrote them: what the model wrote, word for word."""
    texts = [armed(text, number, port) for number, text in enumerate(CONTROL)]
    return notebook([render_result({"schema": 1, "job": "x"}, text) for text in [*texts, "$x^2$"]])


def noticed(found: dict[str, Any], asked: list[str]) -> None:
    """The control: each of its injections is seen to run or to load."""
    seen = {int(name.removeprefix("ran")) for name in found["ran"]} | {
        int(path[1:].partition(".")[0]) for path in asked
    }
    assert seen == set(range(len(CONTROL)))
    assert found["odd"]


def nothing_live(found: dict[str, Any], asked: list[str], boxes: int) -> None:
    """No mark on the document, no request, and no element that could leave one."""
    assert found["ran"] == []
    assert asked == []
    assert found["odd"] == []
    assert found["boxes"] == boxes


def test_there_are_at_least_three_hundred_and_each_comes_back() -> None:
    assert len(ANSWERS) >= 300
    for text in results(1):
        assert from_display(to_display(text)) == text


def test_nothing_runs_or_loads_in_jupyter_lab(tmp_path: Path, counter: Counter) -> None:
    with jupyter_lab(tmp_path) as lab:
        lab.show(hostile(counter.port), "hostile.ipynb")
        lab.ask(settled(len(ANSWERS)))
        nothing_live(lab.ask(LOOK), counter.asked, len(ANSWERS))

        lab.show(control(counter.port), "control.ipynb")
        lab.ask(settled(len(CONTROL) + 1, maths=1))
        found = lab.ask(LOOK)
        noticed(found, counter.asked)
        assert found["maths"] == 1  # maths is looked for in this page, as it was in the one before


def settled(boxes: int, maths: int = 0) -> str:
    """A promise for when so many texts are drawn, and all that they started is done."""
    return f"""new Promise(done => {{
      const look = () => document.querySelectorAll(".jp-RenderedMarkdown").length >= {boxes} && document.querySelectorAll("mjx-container").length >= {maths}
        && document.readyState == "complete" ? setTimeout(done, 2500) : setTimeout(look, 100);
      look();
    }})"""


def test_nothing_runs_or_loads_in_the_page_that_nbconvert_writes(tmp_path: Path, counter: Counter) -> None:
    nothing_live(page(hostile(counter.port), tmp_path), counter.asked, len(ANSWERS))
    noticed(page(control(counter.port), tmp_path), counter.asked)


def page(book: dict[str, Any], tmp_path: Path) -> dict[str, Any]:
    """What Chromium finds in the page of a notebook."""
    import nbformat
    from nbconvert import HTMLExporter

    text, _ = HTMLExporter().from_notebook_node(nbformat.from_dict(book))
    look = f'<script>addEventListener("load", () => setTimeout(() => document.body.append("LOOKED" + btoa(unescape(encodeURIComponent(JSON.stringify({LOOK})))) + "."), 1000))</script>'
    path = tmp_path / "page.html"
    # What the page itself wants from elsewhere is not there, and would be waited for.
    path.write_text(text.replace("</head>", look + "</head>", 1), encoding="utf-8")
    dom = browser.dump_dom(path)
    found: dict[str, Any] = json.loads(base64.b64decode(dom.rpartition("LOOKED")[2].partition(".")[0]))
    return found
