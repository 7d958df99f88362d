"""Bodies that a text leaves for its reader to write: what a model writes instead of code. Pure.

A comment that only names what stands below it ("other methods") is none, nor one that tells what the code does ("add the remaining
items"): what is meant is what stands in the place of code.
"""

from __future__ import annotations

import re

#: Where a comment begins, and where it ends with its line.
_C = r"(?:#|//|/\*+|--|<!--|;|\{/\*)\s*(?:\.{2,3}|…)?\s*[\[(]?\s*"
_END = r"[^\w\n]*$"
_THING = (
    r"(?:code|here|implementation|logic|methods?|functions?|content|imports|above|below|before|unchanged|remains?|goes here"
    r"|components?|styles|fields|tests|columns|routes|handlers|endpoints|cases|properties)"
)
#: What may follow the thing until the comment ends, so that it is about nothing else.
_FILL = (
    r"(?:[^\w\n]+(?:here|above|unchanged|remains?|stays?|goes?|is|are|the|same|as|it|was|were|before|omitted|continues?|follows?|for|brevity"
    r"|of|code|implementation|logic|methods?|functions?|content|imports?|file|class|component|this|and|not|shown|existing|other))*"
)

_GAPS = (
    re.compile(rf"(?im){_C}(?:rest of|the rest|your|add your|put your|insert your|implement(?: your| the rest| the remaining"
               rf"| the actual|ation goes)|omitted|unchanged|etc)\b[^\n]{{0,60}}?\b{_THING}\b"),
    re.compile(rf"(?im){_C}(?:remaining|other|existing|previous|same as|additional|original)\b(?:[^\w\n]+\w+){{0,3}}?[^\w\n]+{_THING}\b{_FILL}{_END}"),
    re.compile(rf"(?im){_C}more\b(?:[^\w\n]+\w+){{0,2}}?[^\w\n]+(?:code|implementation|logic|methods|functions|fields|cases)\b{_FILL}{_END}"),
    re.compile(r"(?i)(?:#|//|/\*|--|<!--)\s*(?:TODO|FIXME|XXX)\b[^\n]{0,80}"),
    re.compile(r"(?m)^\s*(?:#|//)\s*(?:\.\.\.|…)\s*(?:\(.*\))?\s*$|^\s*\.\.\.\s*$|^\s*\{?/\*\s*(?:\.\.\.|…)\s*\*/\}?\s*$"),
    re.compile(r"(?m)^(?:[ \t]*(?:async )?def [^\n]+:\s*\n(?:[ \t]*(?:\"\"\"[^\"]*\"\"\"|#[^\n]*)\s*\n)*[ \t]+pass\s*$)"),
    re.compile(r"\braise NotImplementedError\b|\bthrow new (?:Error|NotImplementedException|UnsupportedOperationException)"
               r"\(\s*[\"']?(?:not implemented|TODO)?[\"']?\s*\)|\b(?:todo|unimplemented)!\(|\bTODO\((?:\"[^\"\n]*\")?\)"
               r"|(?i:\b(?:panic|new \w*(?:Error|Exception))\(\s*[\"'](?:\w+ )?(?:not (?:yet )?implemented|unimplemented|todo)\b)"),
    re.compile(rf"(?im){_C}(?:(?:handle|repeat|do|add|implement|process|continue)\b[^\n]{{0,60}}\b(?:similarly|likewise|(?:in )?the same way"
               rf"|accordingly|analogously)\b|(?:similar(?:ly)?|same|repeat|likewise)\W+for\W+(?:the\W+|all\W+)*(?:other|rest|remaining)\b)"),
    re.compile(r"(?i)[\[(](?:the )?(?:implementation|code|function|class|file|rest)\b[^\])\n]{0,40}\b(?:continues?|omitted|truncated"
               r"|unchanged|remains?|follows)\b[^\])\n]{0,40}[\])]"),
    re.compile(rf"(?im){_C}(?:(?:component |function |method |class )?implementation(?: goes here| here| continues(?: here)?)?"
               rf"|and so on|etc|placeholder(?: (?:implementation|logic|code|function))?|implement (?:this|me)(?: (?:function|method|class|part))?"
               rf"|(?:code |rest |details |implementation )?omitted(?: for (?:brevity|clarity|simplicity))?"
               rf"|(?:add|put|insert|write|place|implement)\b[^\n]{{0,40}}\bhere|add (?:the )?(?:rest|other|remaining)\b[^\n]{{0,30}}\bhere){_END}"),
    re.compile(rf"{_C}[^\n]{{0,8}}(?:(?:其余|剩余|其他|其它)[^\n]{{0,6}}(?:代码|实现)|省略|待实现|待完成|未实现|(?:在这里|在此处?|此处)"
               rf"[^\n]{{0,6}}(?:实现|添加|编写|填写|补充))"),
)  # fmt: skip

_TEMPLATE = re.compile(r"(?i)\bcode (?:goes )?here\b")
#: Where a body ends without having begun.
_LEAVES = re.compile(
    r"\s*(?:[}\])<]|#|//|return\b|pass\b|end\b|else\b|catch\b|except\b|finally\b|case\b|default\b|fi\b|done\b)"
)


def gap(code: str) -> re.Match[str] | None:
    """The first place of the first kind in which a text leaves something to its reader; None: it leaves nothing."""
    return next((match for pattern in _GAPS for match in pattern.finditer(code) if not _filled(code, match)), None)


def _filled(code: str, match: re.Match[str]) -> bool:
    """Whether code stands below "write your code here": a comment of the task's own template, which nobody took out."""
    if not _TEMPLATE.search(match[0]):
        return False
    start = match.start() + len(match[0]) - len(match[0].lstrip())
    depth = start - code.rfind("\n", 0, start) - 1
    below = next((line for line in code[match.end() :].split("\n")[1:] if line.strip()), "")
    return len(below) - len(below.lstrip()) >= depth and not _LEAVES.match(below)
