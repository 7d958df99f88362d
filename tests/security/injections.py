"""Answers that try to run a script or to fetch something when a notebook is opened. Written by us, from how Markdown is specified and parsed.

`JS` stands for a script that leaves a mark on the document, `URL` for an address whose requests are counted.
"""

from __future__ import annotations

from collections.abc import Iterator

_IMG = "<img src=x onerror=JS>"
_SCRIPT = "<script>JS</script>"

#: Elements and attributes that run or load, as they are.
_HTML = [
    _SCRIPT, _IMG, "<SCRIPT>JS</SCRIPT>", "<script src=URL></script>", "<script type=module>JS</script>", "<script\n>JS</script\n>",
    "<script/x>JS</script>", "<scr<script>ipt>JS</script>", "<script>/*\n\n*/JS</script>", "<script>\n\nJS\n\n</script>",
    "<img src=URL>", "<IMG SRC='URL'>", "<img\nsrc=x\nonerror=JS>", "<img/src=x/onerror=JS>", '<img src="x" onerror="JS">', "<img srcset='URL 1x'>",
    "<picture><source srcset=URL><img></picture>", "<image src=URL>", "<img lowsrc=URL src=URL>", "<img src=x onerror=\"\nJS\n\">", "<img src='x' onerror='JS'",
    "<svg onload=JS>", "<svg onload=JS></svg>", "<svg><script>JS</script></svg>", "<svg><image href=URL></svg>", "<svg><image xlink:href=URL></svg>",
    "<svg><use href=URL#a></svg>", "<svg><animate onbegin=JS attributeName=x dur=1s></svg>", "<svg><set onbegin=JS attributeName=x></svg>",
    "<svg><a xlink:href=javascript:JS><text y=20>x</text></a></svg>", "<svg><foreignObject><img src=x onerror=JS></foreignObject></svg>",
    "<svg><style>@import 'URL';</style></svg>", "<svg><feImage href=URL /></svg>", "<svg><style><img src=x onerror=JS></style></svg>", "<svg><desc><img src=x onerror=JS></desc></svg>",
    "<math><mtext><script>JS</script></mtext></math>", "<math href=javascript:JS>x</math>", "<math><maction actiontype='statusline#URL' xlink:href=javascript:JS>x</maction></math>",
    "<math><mtext><table><mglyph><style><img src=x onerror=JS></style></mglyph></table></mtext></math>", "<math><annotation-xml encoding='text/html'><img src=x onerror=JS></annotation-xml></math>",
    "<iframe src=URL></iframe>", "<iframe src=javascript:JS></iframe>", "<iframe srcdoc='<script>JS</script>'></iframe>", "<iframe srcdoc='&lt;script&gt;JS&lt;/script&gt;'></iframe>",
    "<iframe onload=JS></iframe>", "<IFRAME SRC='data:text/html,<img src=URL>'></IFRAME>", "<frameset onload=JS><frame src=URL></frameset>",
    "<object data=URL></object>", "<object data='data:text/html,<script>JS</script>'></object>", "<embed src=URL>", "<embed src=javascript:JS>", "<applet code=URL></applet>",
    "<video src=URL autoplay></video>", "<video poster=URL></video>", "<video><source src=x onerror=JS></video>", "<audio src=URL autoplay></audio>", "<audio src=x onerror=JS>", "<track src=URL>",
    "<link rel=stylesheet href=URL>", "<link rel=prefetch href=URL>", "<link rel=preload as=image href=URL>", "<link rel=icon href=URL>", "<link rel=dns-prefetch href=URL>", "<link rel=modulepreload href=URL>",
    "<style>@import url(URL);</style>", "<style>body{background:url(URL)}</style>", "<style>@font-face{font-family:x;src:url(URL)}*{font-family:x}</style>", "<style onload=JS></style>",
    "<p style='background:url(URL)'>x</p>", "<div style=\"background-image:url('URL')\">x</div>", "<li style='list-style-image:url(URL)'>x</li>", "<p style='cursor:url(URL),auto'>x</p>", "<div style='content:url(URL)'>",
    "<body onload=JS>", "<body background=URL>", "<table background=URL><tr><td>x</table>", "<td background=URL>", "<meta http-equiv=refresh content='0;url=URL'>", "<meta http-equiv=refresh content='0;javascript:JS'>",
    "<base href=URL><img src=x.png>", "<base target=_top>", "<form action=URL><input autofocus onfocus=JS></form>", "<form action=javascript:JS><button>x</button></form>", "<input type=image src=URL>",
    "<input autofocus onfocus=JS>", "<textarea autofocus onfocus=JS></textarea>", "<select autofocus onfocus=JS><option>x</select>", "<button formaction=javascript:JS>x</button>", "<keygen autofocus onfocus=JS>",
    "<details open ontoggle=JS>x</details>", "<details open ontoggle=JS><summary>x</summary></details>", "<marquee onstart=JS>x</marquee>", "<marquee loop=1 width=0 onfinish=JS>x</marquee>",
    "<div onmouseover=JS style='position:fixed;inset:0'>x</div>", "<p tabindex=0 autofocus onfocus=JS>x</p>", "<a href=javascript:JS autofocus onfocus=JS>x</a>", "<a ping=URL href=#>x</a>",
    "<x style='animation:a 1s' onanimationstart=JS><style>@keyframes a{}</style>", "<p contenteditable autofocus onfocus=JS>x</p>", "<dialog open oncancel=JS><form method=dialog></form></dialog>",
    "<template><script>JS</script></template>", "<noscript><p title='</noscript><img src=x onerror=JS>'></noscript>", "<xmp><img src=x onerror=JS></xmp>", "<plaintext><img src=x onerror=JS>",
    "<textarea></textarea><img src=x onerror=JS></textarea>", "<title></title><img src=x onerror=JS>", "</pre><img src=x onerror=JS>", "</code></pre></div><img src=x onerror=JS>", "</script><img src=x onerror=JS>",
    "<isindex type=image src=URL>", "<bgsound src=URL>", "<portal src=URL></portal>", "<fencedframe src=URL></fencedframe>", "<custom-x onclick=JS>x</custom-x>", "<style>@import'URL'", "<layer src=URL></layer>",
    "<a href='x' style='background:url(URL)'>x</a>", "<span>&#36;</span><img src=x onerror=JS>", "<code><img src=x onerror=JS></code>", "<pre data-open=\"\" data-close=\"\"><code><img src=x onerror=JS></code></pre>",
    "<pre data-open=\"\"onclick=JS data-close=\"\"><code>x</code></pre>", "<small><img src=x onerror=JS></small>", "<div id=main class=jp-Notebook><script>JS</script></div>", "<button data-commandlinker-command='notebook:run-all-cells'>x</button>",
    "<button data-commandlinker-command=\"docmanager:open\" data-commandlinker-args='{\"path\":\"x\"}'>x</button>",
    "<script language=vbscript>JS</script>", "<script type=text/javascript async src=URL></script>", "<script>\n<!--\nJS\n//-->\n</script>", "<p><script>JS</script></p>", "<![if 1]><img src=x onerror=JS><![endif]>",
]  # fmt: skip

#: HTML blocks of each of the seven kinds of CommonMark (https://spec.commonmark.org/0.31.2/#html-blocks), comments, and what is never closed.
_BLOCKS = [
    "<pre>\n<img src=x onerror=JS>\n</pre>", "<textarea>\n</textarea>\n<img src=x onerror=JS>", "<!-- a --><img src=x onerror=JS>", "<!-- a\n\n--><img src=x onerror=JS>", "<!--> <img src=x onerror=JS>",
    "<!---> <img src=x onerror=JS>", "<!-- --!><img src=x onerror=JS>", "--><img src=x onerror=JS>", "--!><img src=x onerror=JS>", "-->\n\n<script>JS</script>", "<!-- bridge-result {} --><script>JS</script>",
    "<!-- bridge-result {\"schema\":1} -->\n<img src=x onerror=JS>", "<!-- bridge-display x -->\n<img src=x onerror=JS>", "<!-- never closed\n<img src=x onerror=JS>", "<?php ?><img src=x onerror=JS>", "<?\n\n?><img src=x onerror=JS>",
    "<!DOCTYPE x><img src=x onerror=JS>", "<!X\n><img src=x onerror=JS>", "<![CDATA[x]]><img src=x onerror=JS>", "<![CDATA[\n<img src=x onerror=JS>", "<![CDATA[><img src=x onerror=JS>]]>", "<div>\n\n<img src=x onerror=JS>\n\n</div>",
    "<div>\n<img src=x onerror=JS>\n</div>", "<p>\n*x*<img src=x onerror=JS>", "<ins>\n<img src=x onerror=JS>\n</ins>", "<a\n\n><img src=x onerror=JS>", "</ins >\n<img src=x onerror=JS>", "<table>\n<tr>\n<td>\n<img src=x onerror=JS>",
    "<del>*x*</del><img src=x onerror=JS>", "   <img src=x onerror=JS>", "\t<img src=x onerror=JS>", " \n<img src=x onerror=JS>", "<hr><img src=x onerror=JS>", "<summary>\n<img src=x onerror=JS>", "<!--\n```\n--><img src=x onerror=JS>\n```",
    "<div\n```\n><img src=x onerror=JS>\n```\n", "<!-- `-->`<img src=x onerror=JS>", "<a title='`'><img src=x onerror=JS>`", "<style>\n```\n</style><img src=x onerror=JS>\n```",
]  # fmt: skip

#: Links, images, references, footnotes and autolinks.
_LINKS = [
    "![x](URL)", "![x](URL 'title')", "![x](<URL>)", "![][x]\n\n[x]: URL", "![x]\n\n[x]: URL", "![x][]\n\n[x]: <URL> 'a'", "[![x](URL)](URL)", "[x](javascript:JS)", "[x](JaVaScRiPt:JS)", "[x](java\tscript:JS)", "[x](<java\nscript:JS>)",
    "[x](&#106;avascript:JS)", "[x](&#x6A;avascript&colon;JS)", "[x](javascript&#58;JS)", "[x](javascript&Tab;:JS)", "[x](\x01javascript:JS)", "[x]( javascript:JS)", "[x](<javascript:JS>)", "[x](\\javascript:JS)", "[x](java\\script:JS)",
    "[x](vbscript:JS)", "[x](data:text/html,<script>JS</script>)", "[x](data:text/html;base64,PHNjcmlwdD4=)", "[x](file:///etc/passwd)", "[x](//127.0.0.1/x)", "[x](view-source:URL)", "[x](blob:URL)", "[x](feed:javascript:JS)",
    "[x]: javascript:JS\n\n[x]", "[x]:\njavascript:JS\n\n[x]", "[x]: <javascript:JS> 'a\nb'\n\n[x][x]", "[x\ny]: javascript:JS\n\n[x y]", "[^1]\n\n[^1]: <img src=x onerror=JS>", "[^1]: \n    <script>JS</script>\n\n[^1]", "<javascript:JS>", "<JAVASCRIPT:JS>",
    "<data:text/html,<script>JS</script>>", "<URL onmouseover=JS>", "<http://a\" onmouseover=JS>", "[x](http://a\" onmouseover=\"JS)", "[x](http://a 'b\" onmouseover=\"JS')", "[x](http://a \"b'><img src=x onerror=JS>\")", "![x\" onerror=\"JS](x)",
    "![x](x\" onerror=\"JS)", "![x](x 'y\" onerror=\"JS')", "![<img src=x onerror=JS>](x)", "[<img src=x onerror=JS>](http://a)", "[`](http://a)<img src=x onerror=JS>`", "[a](http://a`)<img src=x onerror=JS>`", "[a](http://a?x=<img src=x onerror=JS>)",
    "http://a/<img src=x onerror=JS>", "http://a\"onmouseover=JS", "www.a.b\"><img src=x onerror=JS>", "a@b.c\"><img src=x onerror=JS>", "<a@b.c\" onmouseover=JS>", "[x](http://a){onmouseover=JS}", "![x](URL){width=1}", "*[x]: <img src=x onerror=JS>\n\nx",
    "[x]: http://a 'b\n\n```python\nc' <img src=x onerror=JS>\n```", "[x]: http://a (\n```python\n) <img src=x onerror=JS>\n```", "[x]: http://a \"\n```python\n\"\n<img src=x onerror=JS>\n```", "[a](\n```python\n)<img src=x onerror=JS>\n```", "![a][javascript:JS]",
    "[x](attachment:x.png)", "![x](attachment:x.png)", "![x](data:image/svg+xml,<svg onload=JS>)", "![x](data:image/svg+xml;base64,AAAA)", "[![x][y]][y]\n\n[y]: javascript:JS", "!\\[x](URL)", "\\![x](URL)", "!<b></b>[x](URL)", "![x]\\(URL)", "![x](URL\\)",
    "!&#91;x](URL)", "&#33;[x](URL)", "!\u200b[x](URL)", "![[x](URL)](URL)", "![x]( URL )", "![x](\nURL\n)",
]  # fmt: skip

#: Code for one reader of Markdown, text for another.
_CODE = [
    "`<img src=x onerror=JS>`", "``<img src=x onerror=JS>`", "`<img src=x onerror=JS>``", "\\`<img src=x onerror=JS>`", "`\\`<img src=x onerror=JS>`", "``\\`` <img src=x onerror=JS> ``", "`a\n<img src=x onerror=JS>`", "`a\n\n<img src=x onerror=JS>`",
    "| a | b |\n|---|---|\n| `a | <img src=x onerror=JS>` |", "| a |\n|---|\n| `a \\| <img src=x onerror=JS>` |", "| `a |\n|---|\n| <img src=x onerror=JS>` |", "# `a\n<img src=x onerror=JS>`", "`a\n---\n<img src=x onerror=JS>`", "*`a*<img src=x onerror=JS>`", "- `a\n- <img src=x onerror=JS>`",
    "> `a\n\n<img src=x onerror=JS>`", "    <img src=x onerror=JS>", "a\n    <img src=x onerror=JS>", "- a\n\n      <img src=x onerror=JS>", "- a\n\n    <img src=x onerror=JS>", "1. a\n\n        <img src=x onerror=JS>", "\t\t<img src=x onerror=JS>",
    "```\n<img src=x onerror=JS>\n```", "```\n<img src=x onerror=JS>", "```html\n<img src=x onerror=JS>\n```\n<img src=x onerror=JS>", "~~~\n<img src=x onerror=JS>\n~~~", "~~~\n```\n~~~\n<img src=x onerror=JS>\n```", "```\n~~~\n```\n<img src=x onerror=JS>\n~~~", "````\n```\n<img src=x onerror=JS>\n````",
    "```\n````\n<img src=x onerror=JS>", "``` `\n<img src=x onerror=JS>\n```", "```a`b\n<img src=x onerror=JS>\n```", " ```\n<img src=x onerror=JS>\n ```", "   ```\n<img src=x onerror=JS>\n   ```", "    ```\n<img src=x onerror=JS>\n    ```", "\t```\n<img src=x onerror=JS>\n```", "```\n    ```\n<img src=x onerror=JS>\n```",
    "```\n```x\n<img src=x onerror=JS>\n```", "```python\n``` \n<img src=x onerror=JS>\n```", "```python\n```\t\n<img src=x onerror=JS>\n```", "```python\r<img src=x onerror=JS>\r```", "```python\r\n```\r\n<img src=x onerror=JS>\r\n```", "```python\n\r```\r<img src=x onerror=JS>\n```", "```python\n\u2028```\u2028<img src=x onerror=JS>\n```",
    "```python\n\x0b```\x0b<img src=x onerror=JS>\n```", "```python\n\x85```\x85<img src=x onerror=JS>\n```", "```python\n\x0c```\x0c<img src=x onerror=JS>\n```", "- ```python\n<img src=x onerror=JS>\n```", "- a\n```python\n\n<img src=x onerror=JS>\n```", "- a\n  ```python\n<img src=x onerror=JS>\n  ```", "1. a\n   ```\n   <img src=x onerror=JS>\n```",
    "- a\n```python\n- <img src=x onerror=JS>\n```", "> ```\n<img src=x onerror=JS>\n> ```", "> a\n```python\n> <img src=x onerror=JS>\n```", ">```\n><img src=x onerror=JS>\n```", "- > ```\n  <img src=x onerror=JS>", "| a |\n```python\n|---|\n<img src=x onerror=JS>\n```", "[^1]: a\n```python\n    <img src=x onerror=JS>\n```",
    "```mermaid\ngraph TD; A[\"<img src=x onerror=JS>\"]\n```", "```mermaid\n%%{init: {'securityLevel': 'loose'}}%%\nflowchart LR\nA-->B\nclick A href \"javascript:JS\"\n```", "```Mermaid\ngraph TD; A[<img src=URL>]\n```", "```math\n\\href{javascript:JS}{x}\n```", "```{html}\n<img src=x onerror=JS>\n```",
    "```{=html}\n<img src=x onerror=JS>\n```", "```svg\n<svg onload=JS>\n```", "```html\n</code></pre><img src=x onerror=JS>\n```", "```python\n</code></pre><script>JS</script>\n```", "```html \"onmouseover=JS\n<b>\n```", "```<img src=x onerror=JS>\nx\n```", "```x\"><img/src=x/onerror=JS>\nx\n```", "~~~x\"><img/src=x/onerror=JS>\nx\n~~~",
    "```geojson\n{}\n```", "```vega-lite\n{\"data\":{\"url\":\"URL\"}}\n```", "```python\n\n```python\n<img src=x onerror=JS>\n```\n<img src=x onerror=JS>\n```", "```python\n````\n<img src=x onerror=JS>\n```", "```python\nx\n ```\n<img src=x onerror=JS>\n```", "```python\n# -->\n<img src=x onerror=JS>\n```",
    "::: {onclick=JS}\nx\n:::", "!!! note\n    <img src=x onerror=JS>", "\\begin{html}\n```python\n\\end{html}<img src=x onerror=JS>\n```",
]  # fmt: skip

#: Maths, and what a front end puts aside while Markdown is made.
_MATHS = [
    "$5 to $10", "$\\href{javascript:JS}{x}$", "$$\\href{javascript:JS}{x}$$", "\\\\(\\href{javascript:JS}{x}\\\\)", "\\\\[\\href{javascript:JS}{x}\\\\]", "\\(\\href{javascript:JS}{x}\\)", "\\begin{equation}\\href{javascript:JS}{x}\\end{equation}",
    "$<img src=x onerror=JS>$", "$$\n<img src=x onerror=JS>\n$$", "$\\text{<img src=x onerror=JS>}$", "$\\style{background:url(URL)}{x}$", "$\\cssId{x}{y}$", "$\\class{x}{y}$", "$\\unicode[URL]{x41}$", "$\\require{html}\\href{javascript:JS}{x}$", "$\\includegraphics{URL}$",
    "$`<img src=x onerror=JS>`$", "`$`<img src=x onerror=JS>`$`", "&#36;\\href{javascript:JS}{x}&#36;", "&dollar;\\href{javascript:JS}{x}&dollar;", "\\$\\href{javascript:JS}{x}\\$", "\\\\$\\href{javascript:JS}{x}\\\\$", "&#92;(\\href{javascript:JS}{x}&#92;)",
    "&bsol;begin{align}\\href{javascript:JS}{x}&bsol;end{align}", "\\ref{x} \\eqref{y}", "$\" onmouseover=\"JS$ [x](@@0@@)", "@@0@@ $<img src=x onerror=JS>$", "[x](http://a/@@0@@)\n\n$\" onmouseover=\"JS$", "$a$ @@0@@<img src=x onerror=JS>", "```python\n$\n```\n\n<img src=x onerror=JS>\n\n```python\n$\n```",
    "```python\n\\begin{a}\n```\n\n<img src=x onerror=JS>\n\n```python\n\\end{a}\n```", "````python\n$\n````\n```python\n$\n```\nx\n````python\n<img src=x onerror=JS>\n````", "```python\n$ --> <img src=x onerror=JS>\n```", "```python\n\" onmouseover=JS $x$\n```\n[x](@@0@@)", "~D~T <img src=x onerror=JS>",
    "$\\def\\x{\\x\\x}\\x$", "$$\\begin{array}{c}<script>JS</script>\\end{array}$$", "$\\mathchoice{<img src=x onerror=JS>}{}{}{}$", "$\\htmlData{x=y}{z}$", "$\\url{javascript:JS}$", "\\begin{script}JS\\end{script}", "$x$<script>JS</script>$y$", "\\[x\\] <img src=x onerror=JS> \\[y\\]",
]  # fmt: skip

#: Around an injection: places where one reader may look away.
_AROUND = [
    "a {} b", "**{}**", "# {}", "- {}", "1. {}", "> {}", "> > - {}", "| a |\n|---|\n| {} |", "~~{}~~", "[{}](https://a.b)", "\\{}", "&{}", "\u202e{}\u202c", "😀{}😀", "\ufeff{}", "\x00{}", "{}\n===", "a\n{}", "\n\n\n{}", "    a\n{}", "<{}", "`{}", "{}`", "$ {} $",
    "{{{{ {} }}}}", "- [ ] {}", "[x]: {}", "term\n: {}", "---\ntitle: {}\n---", "%%html\n{}", "a\\\n{}", "a  \n{}", "{}\n```python", "```python\nx\n```\n{}", "\u00ad{}", "\u200d{}\u200d", "_{}_", "***{}***", "<b>{}</b>", "<!-- --> {}",
]  # fmt: skip
_CORES = (_SCRIPT, _IMG, "![x](URL)", "[x](javascript:JS)")


def injections() -> list[str]:
    """All of them, each once."""
    return list(dict.fromkeys(_all()))


def _all() -> Iterator[str]:
    for texts in (_HTML, _BLOCKS, _LINKS, _CODE, _MATHS):
        yield from texts
    for around in _AROUND:
        for core in _CORES:
            yield around.format(core)


#: Each runs or loads by itself where nothing is done about it, and leaves the page as it is.
CONTROL = (
    _SCRIPT, _IMG, "<img src=URL>", "![x](URL)", "<svg><image href=URL></image></svg>", "<details open ontoggle=JS>x</details>", "<style onload=JS></style>",
    "<p style='background:url(URL)'>x</p>", "| a | b |\n|---|---|\n| `a | <img src=x onerror=JS>` |", "`a\n\n<img src=x onerror=JS>`",
)  # fmt: skip


def armed(text: str, number: int, port: int) -> str:
    """The injection with its script and its address."""
    # Without a quote, a space or an equals sign: so it stands in every kind of attribute.
    script = f"top.document.documentElement.classList.add(/ran{number}/.source)"
    return text.replace("JS", script).replace("URL", f"http://127.0.0.1:{port}/{number}.gif")
