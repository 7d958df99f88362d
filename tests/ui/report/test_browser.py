"""The report in a real browser: nothing on it runs, and it looks like something."""

from __future__ import annotations

from pathlib import Path

import pytest

from bridge.ui.report.page import POLICY
from tests.support import browser
from tests.support.pixels import colours, read
from tests.support.reports import HOSTILE, MARK, all_over, file, finding, job, told
from tests.support.reports import page as render

_META = f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">'
GREEN, RED = (0x2F, 0x8F, 0x5B), (0xC8, 0x40, 0x2F)


def hostile_page() -> str:
    """Every payload in every place, as it is, and in languages whose lexers know markup; and one of five megabytes."""
    jobs = [all_over(text, language) for text in HOSTILE for language in ("python", "html", "markdown")]
    huge = "".join(HOSTILE).replace("\x00", "") * (5_000_000 // len("".join(HOSTILE)))
    page = render(told(*jobs, all_over(huge), queue=HOSTILE[0], chosen=HOSTILE[1]))
    # Everything is unfolded, so that what would run when it becomes visible does.
    return page.replace('<details class="', '<details open class="')


def dom(page: str, tmp_path: Path) -> str:
    path = tmp_path / "page.html"
    path.write_text(page, encoding="utf-8")
    found = browser.dump_dom(path)
    assert "</html>" in found
    return found


def ran(found: str) -> bool:
    """Whether a payload left its mark on the document itself; its text is on the page in any case."""
    return f'data-mark="{MARK}"' in found.partition(">")[0] + found.partition("<html")[2].partition(">")[0]


def test_no_script_of_a_hostile_answer_runs(tmp_path: Path):
    found = dom(hostile_page(), tmp_path)

    assert not ran(found)
    assert "<script" not in found
    assert found.count('class="job o-other"') == 3 * len(HOSTILE) + 1  # the page did not end early


def test_nor_without_the_policy(tmp_path: Path):
    """Escaping alone is enough."""
    page = hostile_page()
    assert _META in page

    assert not ran(dom(page.replace(_META, ""), tmp_path))


@pytest.mark.parametrize("payload", [HOSTILE[0], HOSTILE[1], HOSTILE[2], HOSTILE[5]])
def test_the_browser_would_show_a_script_that_runs(tmp_path: Path, payload: str):
    """A control: the same page with a payload that is not escaped, and without the policy."""
    page = render(told(job())).replace(_META, "").replace("</main>", f"{payload}</main>")

    assert ran(dom(page, tmp_path))


@pytest.mark.parametrize("payload", [HOSTILE[0], HOSTILE[1], HOSTILE[5]])
def test_the_policy_alone_stops_a_script_that_is_not_escaped(tmp_path: Path, payload: str):
    page = render(told(job())).replace("</main>", f"{payload}</main>")

    assert not ran(dom(page, tmp_path))


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_the_page_is_drawn_with_its_charts(tmp_path: Path, dark: bool):
    good = [job(answered_at=job().answered_at, seconds=2.0, tokens_per_s=20.0, completion_tokens=40) for _ in range(3)]
    bad = job(verdict="errors", files=[file("x = y\n")], diagnostics=[finding("Undefined name y")])
    path, picture = tmp_path / "page.html", tmp_path / "page.png"
    path.write_text(render(told(*good, bad)), encoding="utf-8")

    browser.screenshot(path, picture, 1000, 900, dark=dark)

    width, height, pixels = read(picture)
    seen = colours(pixels)
    assert (width, height) == (1000, 900)
    assert len(seen) > 30  # text has edges
    if not dark:
        assert seen[GREEN] > 4_000  # three quarters of the bar, and columns of the timeline
        assert seen[RED] > 1_000
        assert 2 < seen[GREEN] / seen[RED] < 4
    paper = seen.most_common(1)[0][0]
    assert (max(paper) < 80) is dark


def test_a_narrow_window_is_not_wider_than_itself(tmp_path: Path):
    """On a phone nothing is cut off at the right: long lines of code scroll inside their own box."""
    wide = job(prompt="w" * 400, files=[file("x = '" + "y" * 300 + "'", path="a" * 200)], model="m" * 100, key="k" * 90)
    page = render(told(wide)).replace('<details class="', '<details open class="').replace(_META, "")
    # What scrolls in a box of its own may be wider than the box; the box may not, and what does not scroll may not either.
    measure = """<script>
      const boxes = [...document.querySelectorAll("body *:not(pre *):not(.scroll *)")];
      const lost = boxes.filter(e => e.scrollWidth > e.clientWidth + 1 && e.clientWidth && getComputedStyle(e).overflowX == "visible");
      const right = Math.max(...boxes.map(e => e.getBoundingClientRect().right), ...lost.map(() => 1e6));
      document.body.dataset.wide = Math.round(right) + "/" + innerWidth;
    </script></body>"""
    path = tmp_path / "page.html"
    path.write_text(page.replace("</body>", measure), encoding="utf-8")

    found = browser.dump_dom(path, width=500)

    wide_px, window_px = map(int, found.partition('data-wide="')[2].partition('"')[0].split("/"))
    assert wide_px <= window_px


def test_without_a_browser_these_tests_skip_but_where_one_was_promised_they_fail(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(browser, "find", lambda: None)
    monkeypatch.setenv("CI", "true")
    with pytest.raises(pytest.fail.Exception, match="make browser"):
        browser.needed()
    monkeypatch.delenv("CI")
    with pytest.raises(pytest.skip.Exception, match="make browser"):
        browser.needed()
