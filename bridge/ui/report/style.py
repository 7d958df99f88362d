"""The report's style sheet: one text without any content of a job. Light and dark by the reader's own setting."""

from __future__ import annotations

from markupsafe import Markup

from bridge.ui.report.labels import OUTCOMES

_SHEET = """
:root{color-scheme:light dark;--paper:#fbfbf9;--card:#fff;--ink:#1d2025;--soft:#646a73;--line:#e4e4de;--code:#f6f6f2;
--good:#2f8f5b;--bad:#c8402f;--warn:#d98a1f;--blue:#3a6ea5;--violet:#7d5ba6;--grey:#a9adb3;--teal:#2c8c99;
--k:#8a3b8f;--s:#2e7d4f;--m:#b0561a;--c:#82878f;--f:#2a62a6;--t:#1d7a85}
@media (prefers-color-scheme:dark){:root{--paper:#15171b;--card:#1c1f24;--ink:#e6e7e9;--soft:#989ea8;--line:#2e3239;
--code:#191c20;--good:#55b982;--bad:#ec7364;--warn:#e5aa50;--blue:#6ea3dc;--violet:#ae8ddb;--grey:#6d737c;--teal:#55b5c2;
--k:#d19ad6;--s:#86c79f;--m:#e0a072;--c:#7d838c;--f:#85b5ee;--t:#74c4ce}}
*{box-sizing:border-box}
html{-webkit-text-size-adjust:100%}
body{margin:0;background:var(--paper);color:var(--ink);font:15px/1.55 system-ui,-apple-system,"Segoe UI",Roboto,sans-serif;
overflow-wrap:anywhere}
main,header,footer{max-width:62rem;margin:0 auto;padding:0 1.25rem}
header{padding-top:2.5rem}
h1{font-size:1.7rem;line-height:1.2;margin:0 0 .3rem;font-weight:650;letter-spacing:-.01em}
h2{font-size:1.02rem;margin:0 0 .8rem;font-weight:650}
h3{font-size:.9rem;margin:1.1rem 0 .4rem;font-weight:650}
p{margin:.3rem 0}
small,.quiet,.axis,footer{color:var(--soft)}
.quiet,.axis{font-size:.84rem}
.axis{display:flex;justify-content:space-between;font-variant-numeric:tabular-nums}
.grid{display:grid;gap:1rem;grid-template-columns:repeat(auto-fit,minmax(min(100%,25rem),1fr));margin:1rem 0}
.card{background:var(--card);border:1px solid var(--line);border-radius:10px;padding:1.1rem 1.2rem;min-width:0}
.wide{grid-column:1/-1}
.figures{display:grid;gap:1rem 1.5rem;grid-template-columns:repeat(auto-fit,minmax(7.5rem,1fr));margin:1.4rem 0 .4rem}
.figures div{min-width:0}
.figures b{display:block;font-size:1.65rem;line-height:1.15;font-weight:600;font-variant-numeric:tabular-nums}
.figures span{color:var(--soft);font-size:.84rem}
svg{display:block;width:100%}
svg.bar{height:16px;border-radius:5px;overflow:hidden}
svg.columns{height:132px;border-bottom:1px solid var(--line)}
svg.thin{height:9px}
.solid{fill:var(--blue)}.pale{fill:var(--blue);opacity:.28}
.legend{list-style:none;display:flex;flex-wrap:wrap;gap:.25rem 1.1rem;margin:.8rem 0 0;padding:0;font-size:.88rem}
.dot{display:inline-block;width:.65rem;height:.65rem;border-radius:50%;margin-right:.4rem}
table{border-collapse:collapse;width:100%;font-size:.88rem;font-variant-numeric:tabular-nums}
th{text-align:left;font-weight:500}
thead th{color:var(--soft);font-size:.78rem}
td,th{padding:.28rem .6rem .28rem 0;vertical-align:middle;border-top:1px solid var(--line)}
thead th,.bars tr:first-child>*{border-top:0}
td.draw{width:28%;min-width:4rem;padding-right:0}
.scroll{overflow-x:auto}.scroll td,thead th{white-space:nowrap}.scroll tbody th{width:34%;min-width:6.5rem}
.scroll td{min-width:3.6rem}.bars th{white-space:nowrap}.bars small{display:block}.scroll table+table{margin-top:1.2rem}
.trouble{margin:0;padding:0;list-style:none;columns:2 20rem;font-size:.9rem}
.trouble li{padding:.1rem 0;break-inside:avoid;overflow:hidden;white-space:nowrap;text-overflow:ellipsis}
a{color:var(--blue);text-decoration:none}a:hover{text-decoration:underline}
.pick{position:absolute;opacity:0;pointer-events:none}
.picks{display:flex;flex-wrap:wrap;gap:.4rem;margin:1.6rem 0 .7rem;align-items:baseline}
.picks h2{margin:0 .6rem 0 0}
.picks label{border:1px solid var(--line);border-radius:99px;padding:.1rem .75rem;font-size:.85rem;cursor:pointer;background:var(--card)}
.job{background:var(--card);border:1px solid var(--line);border-radius:10px;margin:.55rem 0;content-visibility:auto;
contain-intrinsic-size:auto 3rem}
.job>summary{display:grid;grid-template-columns:7.6rem minmax(0,1fr) fit-content(26rem);gap:.2rem .9rem;padding:.6rem 1rem;cursor:pointer;list-style:none;align-items:baseline}
summary::-webkit-details-marker{display:none}
.job>summary .what{overflow:hidden;text-overflow:ellipsis;white-space:nowrap;unicode-bidi:isolate}
.job>summary .how{color:var(--soft);font-size:.84rem;white-space:nowrap;overflow:hidden;text-overflow:ellipsis;min-width:0;text-align:right;font-variant-numeric:tabular-nums}
.job[open]>summary{border-bottom:1px solid var(--line)}
.job[open]>summary .what{white-space:normal}
.inside{padding:.5rem 1rem 1.1rem}
.chip{font-size:.78rem;font-weight:600;white-space:nowrap;overflow:hidden;text-overflow:ellipsis}
.chip::before{content:"";display:inline-block;width:.6rem;height:.6rem;border-radius:50%;background:currentColor;margin-right:.45rem}
dl{display:grid;grid-template-columns:max-content 1fr;gap:.1rem 1rem;margin:.5rem 0;font-size:.88rem}
dt{color:var(--soft)}dd{margin:0;min-width:0}
details.more{margin:.7rem 0}details.more>summary{cursor:pointer;list-style:none;color:var(--soft);font-size:.86rem}
details.more>summary::before{content:"▸ "}details.more[open]>summary::before{content:"▾ "}
pre{font:12.5px/1.5 ui-monospace,SFMono-Regular,Menlo,Consolas,"DejaVu Sans Mono",monospace;background:var(--code);border:1px solid var(--line);
border-radius:8px;margin:.4rem 0;padding:.7rem .9rem;white-space:pre-wrap;tab-size:4;unicode-bidi:isolate}
code{font-family:inherit}p code,dd code{font:.92em ui-monospace,SFMono-Regular,Menlo,Consolas,"DejaVu Sans Mono",monospace}
pre.code{padding-left:0;counter-reset:n;overflow-x:auto;white-space:pre}
.l{display:block;padding-left:3.6rem;position:relative;counter-increment:n;unicode-bidi:isolate}
.l::before{content:counter(n);position:absolute;left:0;width:2.7rem;text-align:right;color:var(--c);opacity:.75}
.remark{display:block;white-space:pre-wrap;user-select:none;margin:.15rem .5rem .35rem 3.6rem;padding:.2rem .6rem;border-left:3px solid;
border-radius:0 5px 5px 0;font:13px/1.45 system-ui,-apple-system,"Segoe UI",Roboto,sans-serif}
.remark b{font-weight:600;margin-right:.3rem}
.remark.bad,.fault{color:var(--bad);background:color-mix(in srgb,var(--bad) 9%,transparent)}
.remark.mild{color:var(--warn);background:color-mix(in srgb,var(--warn) 9%,transparent)}
.fault{border-left:3px solid;padding:.4rem .8rem;border-radius:0 6px 6px 0;margin:.5rem 0;unicode-bidi:isolate}
.flag{display:inline-block;border:1px solid var(--warn);color:var(--warn);border-radius:99px;padding:0 .6rem;margin:.1rem .3rem .1rem 0;font-size:.82rem}
.cut{color:var(--warn);font-size:.84rem}
.u{font-style:normal;font-size:.78em;border:1px solid var(--bad);color:var(--bad);border-radius:3px;padding:0 .2em;margin:0 .1em;
unicode-bidi:isolate;direction:ltr;white-space:nowrap}
.c{color:var(--c);font-style:italic}.k{color:var(--k)}.s{color:var(--s)}.m{color:var(--m)}.f{color:var(--f)}.t{color:var(--t)}.d{color:var(--bad)}
footer{padding-top:1.5rem;padding-bottom:3rem;font-size:.84rem}
@media (max-width:40rem){header{padding-top:1.4rem}main,header,footer{padding-left:.8rem;padding-right:.8rem}
.job>summary{grid-template-columns:max-content minmax(0,1fr)}.job>summary .what{grid-column:1/-1;grid-row:2;white-space:normal}
.l{padding-left:2.6rem}.l::before{width:1.9rem}.remark{margin-left:2.6rem}dl{grid-template-columns:1fr}dt{margin-top:.3rem}td.draw{display:none}}
@media print{:root{color-scheme:light}body{background:#fff;font-size:11px}.picks label,.pick{display:none}
.job{content-visibility:visible;break-inside:auto}.card{break-inside:avoid}
.job::details-content{content-visibility:visible;block-size:auto}pre.code{white-space:pre-wrap}}
"""

_COLOURS = {
    "clean": "good", "unchecked": "teal", "no_code": "violet", "incomplete": "warn", "errors": "bad", "failed": "bad",
    "broken": "warn", "succeeded": "blue", "truncated": "warn", "running": "blue", "queued": "grey", "cancelled": "grey",
    "delivered": "teal", "checked": "teal", "archived": "grey", "round": "grey", "other": "grey",
}  # fmt: skip


def sheet() -> Markup:
    """The whole style sheet."""
    rules = [_SHEET.strip()]
    for name, colour in _COLOURS.items():
        rules.append(
            f".fill.o-{name}{{fill:var(--{colour});background:var(--{colour})}}.chip.o-{name}{{color:var(--{colour})}}"
        )
    rules.append(".fill.o-failed,.fill.o-queued{opacity:.6}")
    for name in ("all", *OUTCOMES):
        rules.append(f'#p-{name}:checked~.picks label[for="p-{name}"]{{border-color:var(--blue);color:var(--blue)}}')
        rules.append(f'#p-{name}:focus-visible~.picks label[for="p-{name}"]{{outline:2px solid var(--blue)}}')
        if name != "all":
            rules.append(f"#p-{name}:checked~.jobs .job:not(.o-{name}){{display:none}}")
    return Markup("\n".join(rules))  # noqa: S704  # our own rules: no text of a job gets in here
