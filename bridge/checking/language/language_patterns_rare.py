"""What gives a language away, for languages that answers are less often in. Same shape and weights as in `language_patterns`."""

from __future__ import annotations

# fmt: off
RARE: tuple[tuple[str, tuple[tuple[str, int], ...]], ...] = (
    ("kotlin", (
        (r"\bfun (?:<\w+> )?(?:\w+\.)?\w+\(", 5), (r"\bval \w+", 3), (r"\bvar \w+\s*[:=]", 1), (r"\bprintln\(", 2),
        (r"\b(?:mutableListOf|listOf|mapOf|mutableMapOf|arrayOf)\(", 5), (r"\bdata class\b", 6),
        (r"\bwhen\s*(?:\(|\{)", 4), (r"\?\.\w+|\?:", 2), (r"^import (?:kotlin|java|android)\.", 2),
        (r": (?:Int|String|Boolean|List<|Double|Unit|Long)\b", 3), (r"\bdef \w+", -5), (r";\s*$", -1),
    )),
    ("scala", (
        (r"\bdef \w+(?:\[\w+\])?(?:\([^)]*\))*(?:\s*:\s*[\w\[\], ]+)?\s*=", 6), (r"\bobject \w+", 5),
        (r"\bcase class\b", 6), (r"\bval \w+", 2), (r"^import scala\.", 6), (r"\b(?:Array|List|Seq|Option|Map)\[", 3),
        (r": (?:Int|String|Boolean|Unit)\b", 2), (r"\bcase .+ =>", 3), (r"<-", 2), (r"\bfun \w+\(", -5),
    )),
    ("swift", (
        (r"\bfunc \w+(?:<\w+>)?\([^)]*\)(?:\s*(?:throws )?->\s*[^{]+)?\s*\{", 4),
        (r"\b(?:let|var) \w+(?:\s*:\s*\[?\w+\]?\??)?\s*=", 2), (r"\bguard (?:let|var|!|\w)", 6), (r"\bif let \w", 5),
        (r"^import (?:Foundation|UIKit|SwiftUI|Combine)", 8), (r"\bnil\b", 1), (r"\bin\s+0\.\.<|\.\.<", 5),
        (r"\b_ \w+: ", 4), (r"-> (?:Int|String|Bool|\[)", 3), (r":=|^package ", -6), (r";\s*$", -1),
        (r"\bfn \w|\bconst \w", -4),
    )),
    ("dart", (
        (r"^import 'package:", 8), (r"\bvoid main\(\)", 3), (r"\b(?:List|Map|Future|Set)<\w+", 2),
        (r"\bfinal \w+ = |\bvar \w+ = ", 1), (r"\bWidget build\(", 8), (r"\bprint\(.+\);", 3),
        (r"\b(?:int|String|bool|double) \w+\(", 2), (r"=>.*;$", 2), (r"\$\{?\w+", 1),
        (r"List\.(?:generate|filled)\(", 6), (r"\.(?:isEmpty|isNotEmpty|toList\(\)|length)\b", 1),
        (r"System\.|Console\.|#include|std::|\bfunction\b", -6), (r"^library |^part ", 3),
    )),
    ("lua", (
        (r"\blocal (?:function )?\w+", 5), (r"^\s*function [\w.:]+\(.*\)\s*$", 4), (r"\bthen\s*$", 3),
        (r"^\s*end[,)]?\s*$", 1), (r"\.\.", 1), (r"~=", 3), (r"\bnil\b", 1), (r"\b(?:ipairs|pairs)\(", 6),
        (r"^\s*--", 1), (r"#\w+", 1), (r"\bdo\s*$", 1), (r"[{};]\s*$", -1), (r"\bfi$|\$\(", -5),
    )),
    ("r", (
        (r"\b[\w.]+ <- function\(", 7), (r"<- ", 3), (r"\blibrary\(\w+\)", 6), (r"\bc\(", 2), (r"%>%|%in%|%%", 3),
        (r"\b(?:paste0?|data\.frame|seq_along|seq|length|cat|is\.null|nchar|strsplit|ggplot)\(", 2),
        (r":=|\bdef |\bpublic ", -4), (r"\bTRUE\b|\bFALSE\b", 2),
    )),
    ("julia", (
        (r"^\s*function \w+!?\([^)]*\)(?:\s*(?:::|where).*)?\s*$", 4),
        (r"::(?:Int|String|Vector|Float64|Bool|Array|AbstractString|Matrix)", 5), (r"^\s*end\s*$", 2),
        (r"^using \w+", 4), (r"\bprintln\(", 2), (r"\b(?:push!|pop!|sort!|length|zeros|fill)\(", 3),
        (r"^\s*for \w+ (?:in|=) .*:.*$", 3), (r"\belseif\b", 2), (r"\blocal \w|\bthen\b|\bdo \|", -4),
    )),
    ("matlab", (
        (r"^\s*function (?:\[?[\w, ]+\]?\s*=\s*)?\w+\(.*\)\s*$", 4), (r"^\s*%", 3), (r"\bend\s*$", 1),
        (r"\b(?:disp|fprintf|zeros|ones|numel)\(", 4), (r"\.\*|\./|\.\^", 3), (r"::", -4),
    )),
    ("haskell", (
        (r"^\w+'? :: ", 7), (r"^import (?:qualified )?[A-Z][\w.]+", 4), (r"^module [A-Z][\w.]* ", 4),
        (r"\bwhere\s*$", 3), (r"->", 1), (r"<-", 1), (r"^data \w+.* =", 5),
        (r"\b(?:foldr|foldl|map|filter|putStrLn|fmap|concatMap)\b", 2), (r"\bcase .+ of\b", 3), (r"^\s*\|", 2),
        (r"[{};]\s*$", -3), (r"\bfun \w+|\blet rec\b", -4),
    )),
    ("ocaml", (
        (r"\blet rec \w+", 6), (r"\blet \w+(?: \w+)* =", 2), (r"\bmatch .+ with\b", 4), (r"^\s*\| .+ ->", 3),
        (r"\bPrintf\.\w+", 5), (r";;\s*$", 5), (r"\bin\s*$", 3), (r"\bList\.\w+", 2),
        (r"\bprintfn\b|\bmodule \w+ =\s*$|: int\)", -2),
    )),
    ("fsharp", (
        (r"\bprintfn\b", 7), (r"^\s*let (?:rec |mutable |inline )?\w+.*=\s*$", 3), (r"\|>", 3), (r"^open \w+", 4),
        (r"\bmatch .+ with\b", 3), (r"^\s*\| .+ ->", 2), (r"\(\w+\s*:\s*(?:int|string|float|bool|int list|'a)", 4),
        (r"\b(?:List|Seq|Array|Map)\.\w+", 2), (r"\bfun \w+ ->", 3), (r"<-", 1),
        (r"\bdefmodule\b|\bdo$|;;\s*$|\bin\s*$", -5), (r"\bfor \w+ in .+ do\s*$", 2),
    )),
    ("elixir", (
        (r"^\s*defmodule [\w.]+ do", 9), (r"^\s*defp? \w+[?!]?(?:\(.*\))?(?: when .+)?(?: do|, do:)", 6), (r"\|>", 3),
        (r"\bEnum\.\w+", 5), (r"\bIO\.(?:puts|inspect)", 6), (r"fn .+ ->", 3), (r"%\{", 3),
        (r"@(?:doc|spec|moduledoc)\b", 6),
    )),
    ("erlang", (
        (r"^-module\(", 9), (r"^-export\(", 9), (r"^\w+\(.*\)(?: when .+)? ->", 5), (r"\bend\.\s*$", 4),
        (r"\bio:format\(", 7), (r"\b(?:lists|maps|string):\w+\(", 6), (r"\.\s*$", 1), (r"<<\"|\b[A-Z]\w* = ", 2),
        (r"[{};]\s*$", 0),
    )),
    ("clojure", (
        (r"^\(ns ", 8), (r"\(defn-? ", 8), (r"\(let \[", 6), (r"\(fn \[", 5),
        (r"\((?:println|reduce|map|filter|assoc|loop)\b", 2), (r"\(def \w", 4), (r"\[\w+(?: \w+)*\]", 1),
        (r"\(defun |\(define ", -8),
    )),
    ("commonlisp", (
        (r"\(defun ", 6), (r"\(defparameter |\(defvar |\(defstruct |\(defclass ", 5), (r"\(format t ", 6),
        (r"\(loop (?:for|while|repeat|do|with)\b", 6), (r"\(setf ", 4), (r"\(let\*? \(\(", 2),
        (r"\(cl-|\(interactive\)|\(require '|\(message |\(dolist|provide '", -2), (r"\(defn ", -8),
    )),
    ("elisp", (
        (r"\(defun ", 4), (r"\(interactive\)", 8), (r"\(cl-\w+", 6),
        (r"\((?:message|dolist|setq|provide|require) ", 3), (r"lexical-binding", 8), (r"\(let\*? \(\(", 2),
        (r"\(nth |\(gethash |\(puthash |\(aref |\(while ", 2), (r"\(format t |\(loop |\(setf ", -3),
    )),
    ("racket", (
        (r"^#lang racket", 12), (r"\(define \(", 3), (r"\(for/\w+|\(check-equal\?|\(match\b", 5), (r"\[else", 3),
        (r"\(let(?:rec|\*)? \(\[", 4), (r"\(provide |\(require racket", 5),
    )),
    ("scheme", (
        (r"\(define \(", 4), (r"\(define \w", 3), (r"\(let loop ", 4),
        (r"\((?:car|cdr|cons|null\?|display|newline|cond|lambda)\b", 2), (r"#t\b|#f\b", 2),
        (r"#lang|\(for/|\(defun |\(defn ", -8), (r"\(else", 2),
    )),
    ("prolog", (
        (r"^\w+\(.*\)\s*:-", 7), (r"^:- ", 7), (r"\?- ", 4), (r"\bis\b.*[.,]\s*$", 2),
    )),
    ("fortran", (
        (r"(?i)^\s*(?:program|subroutine|module|recursive function) \w+", 4), (r"(?i)\bimplicit none\b", 9),
        (r"(?i)\b(?:integer|real|character|logical)(?:\([^)]*\))?\s*(?:, *\w+(?:\([^)]*\))?)*\s*::", 7),
        (r"(?i)^\s*end (?:program|subroutine|function|do|if)\b", 5), (r"(?i)^\s*(?:print|write|read) ?\(?\*", 4),
        (r"(?i)\bcall \w+\(", 2),
    )),
    ("pascal", (
        (r"(?i)^\s*program \w+;", 8), (r"(?i)^\s*(?:function|procedure) \w+.*(?::\s*\w+)?;", 4), (r":=", 2),
        (r"(?i)^\s*begin\s*$", 4), (r"(?i)\bend[.;]\s*$", 3), (r"(?i)\b(?:writeln|readln)\b", 6),
        (r"(?i)^\s*var\s*$", 4), (r"(?i)\bthen\s*$|\bdo\s*$", 1),
    )),
    ("vb", (
        (r"(?i)^\s*(?:public |private |shared )*(?:sub|function) \w+\(.*\)", 4), (r"(?i)^\s*dim \w+ as\b", 8),
        (r"(?i)^\s*end (?:sub|function|if|class|module)\b", 6),
        (r"(?i)\bas (?:integer|string|boolean|double|list\(of)\b", 5), (r"(?i)^\s*imports \w+", 5),
        (r"(?i)\bconsole\.write", 2), (r"(?i)^\s*next\b", 2),
    )),
    ("groovy", (
        (r"\bdef \w+ = ", 4), (r"\bprintln\b", 2), (r"^\s*def \w+\(.*\)\s*\{", 5),
        (r"\.(?:each|collect|findAll|inject)\s*\{", 5), (r"^import groovy\.", 8),
        (r"^(?:plugins|dependencies|repositories|pipeline) \{", 6), (r"\bstatic \w+ \w+\(", 1),
        (r"#include|\busing ", -5),
    )),
    ("tcl", (
        (r"^\s*proc \w+ \{.*\} \{", 8), (r"^\s*set \w+ ", 4), (r"\$\w+", 1),
        (r"\[(?:expr|lindex|llength|list|string) ", 5), (r"^\s*puts ", 2), (r"\bincr \w+", 4),
        (r"^\s*foreach \w+ \$", 4),
    )),
    ("awk", (
        (r"^\s*(?:BEGIN|END)\s*\{", 6), (r"\bawk\b.*'", 6), (r"\$\d\b", 2), (r"\bNR\b|\bNF\b|\bFS\b", 4),
        (r"\{ ?print\b", 3),
    )),
    ("vim", (
        (r"^\s*(?:function|func)!? \w", 3), (r"^\s*endfunction\b", 8), (r"^\s*let [agslbwv]:\w+", 7),
        (r"^\s*(?:nnoremap|inoremap|vnoremap|autocmd|augroup|set \w+=)", 6), (r"\ba:\w+", 5), (r"^\s*\"\s", 1),
        (r"^\s*end(?:if|for|while)\b", 4),
    )),
    ("coffeescript", (
        (r"^\s*\w+ = \([\w, =\[\]]*\)\s*[-=]>", 7), (r"\s->\s*$", 4), (r"\bunless\b|\bis\b|\bisnt\b", 1),
        (r"@\w+", 1), (r"\bconsole\.log ", 5), (r"#\{", 2), (r"^\s*for \w+(?:, *\w+)? (?:in|of) ", 2),
        (r"[{};]\s*$|\bvar \w|\bconst \w|:\s*$", -3),
    )),
    ("solidity", (
        (r"^pragma solidity", 10), (r"^\s*contract \w+", 6), (r"\b(?:uint256|address|mapping\()", 5),
    )),
    ("graphql", (
        (r"^\s*type \w+(?: implements \w+)? \{", 2),
        (r"^(?:query|mutation|fragment|schema|subscription|input)\b.*\{", 4), (r":\s*\[?\w+!\]?!?\s*$", 4),
        (r"[;=]\s*$", -4),
    )),
    ("proto", (
        (r"^syntax = \"proto", 10), (r"^message \w+ \{", 5), (r"^\s*(?:repeated |optional )?\w+ \w+ = \d+;", 5),
    )),
    ("zig", (
        (r"@import\(\"", 8), (r"\bpub fn \w+\(", 3), (r"\bconst \w+ = ", 1), (r"\btry \w|\bcomptime\b|\.\{", 3),
        (r"!void|\bu8\b", 3),
    )),
    ("nim", (
        (r"^\s*proc \w+\*?\(.*\)(?:: \w+)? =", 7), (r"\becho \w", 1), (r"^\s*let \w+ = |^\s*var \w+:", 1),
        (r"^import \w+(?:, *\w+)*$", 1),
    )),
    ("nginx", (
        (r"^\s*(?:server|location|upstream|http|events)\b.*\{", 5),
        (r"^\s*(?:listen|proxy_pass|root|server_name|try_files) .*;", 5),
    )),
    ("asm", (
        (r"(?i)^\s*(?:mov|push|pop|call|ret|jmp|add|sub|lea|xor|cmp|int)\b\s+[%$\w\[]", 4),
        (r"(?i)^\s*section \.|^\s*global _?\w+", 6), (r"^\w+:\s*$", 1), (r"\b(?:eax|rax|ebx|rdi|rsi|rsp)\b", 4),
        (r"[(){}=]", -1),
    )),
    ("diff", (
        (r"^diff --git ", 9), (r"^@@ -\d+(?:,\d+)? \+\d+", 9), (r"^--- \S+\n\+\+\+ \S+", 9),
    )),
    ("latex", (
        (r"\\(?:documentclass|begin|end|usepackage|section|frac)\b", 6),
    )),
    ("verilog", (
        (r"^\s*module \w+\s*[(#;]", 3), (r"\balways\b|\bendmodule\b|\breg \[", 6), (r"\bassign \w+ =", 4),
    )),
    ("vue", (
        (r"^<template>", 7), (r"^<script(?: setup)?(?: lang=\"ts\")?>", 4), (r"\bv-(?:if|for|model|bind|on)\b", 4),
    )),
)
# fmt: on
