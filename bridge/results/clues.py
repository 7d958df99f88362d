"""What gives a language away: patterns with weights, one group a language. Data for `guess`.

A weight is how sure one hit makes us: 5 could hardly be anything else, 3 typical, 1 weak and shared. Negative weights
speak against. A pattern counts at most three times. Written from the languages' own grammars.
"""

from __future__ import annotations

#: (language, ((pattern, weight), …)); matched per text with re.MULTILINE.
# fmt: off
CLUES: tuple[tuple[str, tuple[tuple[str, int], ...]], ...] = (
    ("python", (
        (r"^\s*(?:async )?def \w+\(.*\)\s*(?:->[^:]+)?:\s*(?:#.*)?$", 5),
        (r"^\s*class \w+(?:\([\w., =]*\))?:\s*$", 5),
        (r"^(?:from [\w.]+ import .+|import \w[\w.]*(?: as \w+)?(?:, *\w+)*)\s*$", 3),
        (r"^\s*(?:el)?if .+:\s*(?:#.*)?$", 2), (r"^\s*for \w+(?:, *\w+)* in .+:\s*$", 4),
        (r"^\s*(?:elif .+|else|try|finally|except.*|with .+|while .+):\s*$", 2), (r"\bself\.\w+", 2),
        (r"\bprint\(", 1), (r"\b(?:None|True|False)\b", 1), (r"__\w+__", 3), (r"\blambda \w*.*:", 2),
        (r"^\s*@\w[\w.]*(?:\(.*\))?$", 1), (r"\[.+ for \w+ in .+\]", 4), (r"f\"[^\"]*\{", 2),
        (r"^\s*return\b[^;{}]*$", 1), (r"^\s*assert .+ == ", 2), (r";\s*$", -2), (r"^\s*\w+ = .*[^;{,(]$", 1),
        (r"\b(?:range|len|enumerate|isinstance)\(", 2), (r"^end\b", -4), (r"^\s*\"\"\"", 3), (r"^>>> ", 3),
    )),
    ("javascript", (
        (r"\b(?:const|let) (?:\w+|\{[^}]*\}|\[[^\]]*\])\s*=", 4),
        (r"\bfunction\s*\*?\s*\w*\s*\([\w\s,.={}\[\]]*\)\s*\{", 3), (r"=>\s*[{(\w]", 2),
        (r"\bconsole\.(?:log|error|warn)\(", 4), (r"\brequire\(['\"]", 3), (r"===|!==", 3),
        (r"^import .+ from ['\"]", 4), (r"^export (?:default|const|function|class)", 3), (r"\bdocument\.\w+", 3),
        (r"\bmodule\.exports\b", 5), (r"\bawait \w+", 1), (r"\bvar \w+ = ", 2), (r"\b(?:undefined|typeof|NaN)\b", 2),
        (r"`[^`]*\$\{", 3), (r"\.(?:then|forEach|map|filter|addEventListener)\(", 2),
        (r"\bnew (?:Promise|Map|Set|Error)\(", 2), (r"\b(?:describe|it|test|expect)\(", 3), (r"\bJSON\.\w+\(", 3),
        (r"<\?php|\$this->", -5), (r"^\s*def \w+", -4), (r"#include|\bstd::", -5),
        (r":\s*(?:string|number|boolean|any|void)\b", -2), (r"^\s*async function\b", 3),
        (r"^\s*(?:local|func|fn|sub|proc|fun) ", -3), (r"/\w+/[gimsuy]+[.,;)]", 2), (r"\bnull\b", 1),
    )),
    ("typescript", (
        (r"^\s*(?:export )?interface \w+(?:<[\w, ]+>)?(?: extends [\w, <>]+)? \{", 5),
        (r"[\w)\]?]:\s*(?:string|number|boolean|any|void|unknown|never)\b(?!\()", 4),
        (r"^\s*(?:export )?type \w+(?:<.+>)? = ", 5), (r"\bas (?:const|string|number|any|unknown)\b", 4),
        (r"^\s*(?:private|public|protected|readonly) \w+(?:\?|!)?[:(]", 4), (r"\bimport type\b", 5),
        (r"^\s*(?:export )?(?:declare|namespace|abstract class|enum) \w", 2),
        (r"\b(?:Array|Promise|Record|Partial|Map|Set)<", 3), (r"^import .+ from ['\"]", 3),
        (r"@(?:Component|Injectable|Input|Output|NgModule)\(", 5), (r"\bfunction \w+(?:<\w+>)?\([^)]*\w\??: ", 4),
        (r"\b(?:const|let) \w+\s*:\s*\w", 4), (r"=>\s*[{(\w]", 1), (r"\b(?:const|let) \w+ =", 2), (r"===|!==", 2),
        (r"\bconsole\.log\(", 2), (r"#include|\bstd::|<\?php|\$this->", -5),
        (r"\bfun \w+|\bval \w+|\bfn \w+|\bfunc \w+|\bdef \w+", -4),
    )),
    ("tsx", (
        (r"\breturn \(?\s*<[A-Za-z]", 4), (r"className=", 4),
        (r"\bReact\.(?:FC|useState|ReactNode|FormEvent|ChangeEvent)", 4),
        (r"\buse(?:State|Effect|Ref|Memo|Callback)(?:<|\()", 3), (r"from ['\"]react", 3), (r"^\s*<[A-Z]\w+", 3),
        (r"on(?:Click|Change|Submit)=\{", 4), (r"^\s*(?:export )?interface \w+", 2),
        (r":\s*(?:string|number|boolean|void)\b", 2), (r"^import .+ from ['\"]", 1), (r"^<!DOCTYPE", -6),
    )),
    ("jsx", (
        (r"\breturn \(?\s*<[A-Za-z]", 4), (r"className=", 4), (r"\buse(?:State|Effect|Ref|Memo|Callback)\(", 3),
        (r"from ['\"]react", 3), (r"^\s*<[A-Z]\w+", 3), (r"on(?:Click|Change|Submit)=\{", 4),
        (r"^import .+ from ['\"]", 1),
        (r":\s*(?:string|number|boolean|void)\b|^\s*(?:export )?interface|React\.FC|useState<", -6),
        (r"^<!DOCTYPE", -6),
    )),
    ("java", (
        (r"^\s*(?:public|private|protected)\s+(?:static\s+)?(?:final\s+)?(?:class|interface|enum|record)\s+\w+", 4),
        (r"\bpublic static void main\(String", 5), (r"^import (?:java|javax|org|com)\.[\w.]+(?:\.\*)?;", 5),
        (r"^package [\w.]+;", 4), (r"\bSystem\.out\.print", 5),
        (r"\b(?:ArrayList|HashMap|List|Map|Optional|Set)<", 2),
        (r"^\s*(?:public|private|protected) (?:static )?[\w<>\[\], ]+ \w+\([^)]*\)\s*(?:throws \w+\s*)?\{", 3),
        (r"@Override", 4), (r"\bnew (?:ArrayList|HashMap|HashSet|StringBuilder|Scanner|int|String)\b", 3),
        (r"\bString \w+", 2), (r"\bstring\b|\bConsole\.|\busing \w", -4), (r"\b(?:int|long|double|boolean)\[\]", 2),
        (r"\.length\(\)|\.charAt\(|\.equals\(|\.size\(\)", 2), (r"#include|std::", -6), (r"\bfun \w|\bval \w", -4),
        (r"\bfinal \w+ \w+", 1), (r"\bInteger\.\w+|\bMath\.\w+\(", 1),
    )),
    ("csharp", (
        (r"^using (?:static )?[A-Z][\w.]*;", 5), (r"\bConsole\.(?:Write|Read)", 5), (r"^\s*namespace [\w.]+", 3),
        (r"\b(?:public|private|internal|protected) (?:static |async |override |virtual )*(?:string|int|bool|void|Task|List<|IEnumerable|double|long|class|record|struct)\b", 3),
        (r"\{ get; (?:private |init; )?(?:set; )?\}", 5), (r"\bstring\b(?!>)", 2), (r"\bvar \w+ = new ", 2),
        (r"\bforeach \(", 4), (r"\$\"", 4), (r"\b(?:Linq|IEnumerable|Dictionary<|List<\w+> )", 2),
        (r"\.(?:Length|Count|ToString\(\)|Add\(|Select\(|Where\(|ToList\(\)|Substring\(|Split\()", 2),
        (r"\bbool\b", 1), (r"#include|std::|\bimport ", -5), (r"\blong\b|\bdouble\b", 1),
        (r"\bMath\.(?:Sqrt|Abs|Max|Min|Pow|Floor)", 3), (r"\bTuple<|\bConvert\.To", 3),
    )),
    ("cpp", (
        (r"^\s*#\s*include\s*<(?:iostream|vector|string|map|set|algorithm|bits/|memory|unordered_map|queue|cmath|sstream|cassert|c\w+>)", 6),
        (r"\bstd::\w+", 4), (r"\busing namespace \w+;", 6), (r"\bcout\s*<<|\bcin\s*>>", 5),
        (r"\b(?:vector|map|unordered_map|set|pair|unique_ptr)<", 3), (r"\btemplate\s*<", 5),
        (r"\b(?:public|private|protected):\s*$", 4), (r"\bauto&? \w+\s*[=:]", 3), (r"\bnullptr\b", 4),
        (r"\w+::\w+\(", 2), (r"^\s*#\s*include\s*[<\"]", 3), (r"\bint main\(", 2), (r"\bconst \w+&", 3),
        (r"\blong long\b", 2), (r"^use |\bfn \w|\blet mut", -6), (r"^\s*assert\(", 1),
        (r"\.push_back\(|\.size\(\)|\.begin\(\)", 3),
        (r"\b(?:int|bool|double|char|void|string|long) \w+\s*[=(;\[]", 2),
        (r"<\?php|\$\w+ =|\bSystem\.|\bConsole\.", -5),
    )),
    ("c", (
        (r"^\s*#\s*include\s*<(?:stdio|stdlib|string|math|stdbool|stdint|ctype|unistd|assert|limits|errno)\.h>", 6),
        (r"\bprintf\(", 2), (r"\bmalloc\(|\bfree\(|\bsizeof\b", 3), (r"\bint main\((?:void|int argc)?", 2),
        (r"^\s*(?:static |const |unsigned |struct )*(?:int|char|void|float|double|long|bool|size_t)\s*\**\s*\w+\s*\([^)]*\)\s*\{?\s*$", 3),
        (r"->\w+", 1), (r"\bchar\s*\*", 3), (r"\btypedef struct\b", 5), (r"\bNULL\b", 2), (r"\bstruct \w+ \{", 2),
        (r"\bstd::|\bcout\b|\bnamespace\b|\bclass \w|\btemplate\b|\bvector<|\bnullptr\b", -6),
        (r"\bSystem\.|\bConsole\.|\bimport |<\?php|\$\w+ =", -5), (r"\b(?:int|char|double|float) \w+\s*[=;\[]", 2),
        (r"\bscanf\(", 4), (r"^#define \w+", 3),
    )),
    ("go", (
        (r"^package \w+\s*$", 6), (r"^func (?:\(\w+ \*?\w+\) )?\w+(?:\[.*\])?\(", 5), (r":=", 3),
        (r"\bfmt\.\w+\(", 5), (r"^import \(\s*$|^import \"", 4), (r"\berr != nil\b", 5),
        (r"^type \w+ (?:struct|interface) \{", 5), (r"\bgo func\(|\bchan \w|\bdefer ", 4), (r"\bnil\b", 1),
        (r"\bmake\((?:\[\]|map|chan)", 4), (r"\bfor .*range \w", 3),
        (r"\[\](?:int|string|byte|float64|interface)", 3),
    )),
    ("rust", (
        (r"\bfn \w+(?:<.+>)?\([^)]*\)(?:\s*->\s*[^{]+)?\s*\{", 5), (r"\blet mut \w+", 5),
        (r"^use (?:std|crate|super|serde|tokio)\b", 5),
        (r"\b(?:println|vec|format|panic|assert_eq|assert)!\s*[(\[]", 5), (r"\bimpl(?:<.+>)? \w+", 4),
        (r"&(?:mut |str\b|self\b|\[)", 3), (r"\b(?:Vec|Option|Result|Box|Rc|HashMap)<", 2),
        (r"#\[(?:derive|cfg|test)", 5), (r"\bpub (?:fn|struct|enum|mod|trait)\b", 5), (r"\bmatch \w+.*\{", 2),
        (r"\b(?:usize|i32|u8|u32|i64|f64|u64)\b", 3), (r"\.(?:unwrap|iter|collect|into_iter|to_string|clone)\(\)", 2),
        (r"::<", 2),
    )),
    ("php", (
        (r"<\?php|<\?=", 8), (r"^\s*\$\w+\s*(?:\[.*\])?\s*[.+-]?=(?!=).*;\s*(?://.*)?$", 4), (r"\$this->\w+", 6),
        (r"\bfunction \w+\((?:[?\w\\|]+ )?&?\$\w+", 6), (r"\becho\b .*;", 3), (r"\bforeach\s*\(\s*\$\w+", 6),
        (r"\barray\(|\bcount\(\$|\bstrlen\(\$|\bisset\(\$", 4),
        (r"\b(?:public|private|protected) (?:static )?function\b", 5), (r"^use [A-Z]\w+\\", 5), (r"\$\w+->\w+", 3),
        (r"^\s*\$[A-Z]\w*:|\bmy \$|\bdo$|\bdone$|\bfi$", -5), (r"\$\w+", 1), (r"^\s*(?:if|for|while) \(\$", 3),
        (r"^\s*\[int|\bparam\s*\(|-(?:eq|lt|gt|ne) ", -5),
    )),
    ("ruby", (
        (r"^\s*def (?:self\.)?\w+[?!]?(?:\(.*\))?\s*$", 4), (r"^\s*end\s*$", 2), (r"\bputs\b", 4),
        (r"\bdo \|[\w, ]+\|", 5), (r"^require(?:_relative)? ['\"]", 5),
        (r"\.(?:each|map|select|inject|reduce|times|nil\?|empty\?)\b", 2),
        (r"\battr_(?:accessor|reader|writer)\b", 6), (r"^\s*(?:elsif|unless|when)\b", 3), (r"#\{", 2), (r"@\w+ =", 3),
        (r"^\s*module [A-Z]", 3), (r"\bnil\b", 1), (r":\w+ =>|\b\w+: :", 2), (r"^class \w+(?: < \w+)?\s*$", 4),
        (r"\{ ?\|[\w, ]+\|", 5), (r"\bthen\b|\blocal \w|\bfunction\b", -3),
        (r"\bdef \w+.* do$|\|>|\bdefmodule\b", -5),
    )),
    ("perl", (
        (r"^\s*(?:my|our|local) [$@%(]", 6), (r"^use (?:strict|warnings|utf8|List::|Data::)", 6),
        (r"\bsub \w+\s*\{", 5), (r"=~", 3), (r"\bshift\b|@_", 4), (r"\$\w+->[{\[]|\$_\b", 3),
        (r"\b(?:push|scalar|keys|foreach my|join|chomp)\b", 1), (r"\bdie\b", 1), (r"\bforeach my \$", 5),
        (r"<\?php", -8), (r"\belsif\b", 2),
    )),
    ("bash", (
        (r"^#!.*\b(?:ba|z|k|da)?sh\b", 8), (r"^\s*(?:if|elif|while) (?:\[|\[\[|\(\(|!|grep|test) ", 5),
        (r"^\s*(?:fi|done|esac)\b", 5), (r";\s*(?:then|do)\s*$", 5), (r"^\s*(?:function )?\w+\s*\(\)\s*\{", 4),
        (r"\$\{\w+[^}]*\}|\"\$\w+\"|\$\(", 2),
        (r"^\s*(?:echo|export|local|cd|mkdir|chmod|sudo|apt-get|apt|curl|grep|sed|awk|cat|rm|cp|mv|ls|source|set -)\b", 2),
        (r"^\s*(?:npm|npx|yarn|pnpm|pip|pip3|git|docker|python|python3|node|brew|kubectl|cargo|go (?:run|build|get|mod)|ng|dotnet|bridge|ollama|composer|bundle|rails|php artisan|uvicorn|pytest|make|conda|poetry|wget|tar|unzip|ssh|scp|systemctl|psql|mysql|sqlite3) [\w./@-]", 4),
        (r"^\$ \w", 3), (r"\|\s*(?:grep|awk|sed|sort|xargs|head|wc|cut|tr)\b", 4), (r"^\s*\w+=[\"$\w(]", 1),
        (r";\s*$", -1), (r"<\?php|\bfunction \w+\(\$|->", -6), (r"^import |^const |^def ", -4),
    )),
    ("powershell", (
        (r"\b(?:Get|Set|New|Write|Remove|Add|Import|Export|ForEach|Where|Invoke|Test|Start|Stop|Out|Select|Sort|Measure)-[A-Z]\w+", 5),
        (r"^\s*function [A-Z]\w+-\w+", 5), (r"\bparam\s*\(", 4),
        (r"\s-(?:eq|ne|gt|lt|ge|le|match|like|and|or|not|contains)\b", 3),
        (r"\[(?:string|int|Parameter|CmdletBinding|switch|bool|array|int\[\]|int\[\]\[\])", 4),
        (r"\$(?:_|true|false|null|PSItem)\b", 3), (r"^\s*\$\w+ = ", 2), (r"\bforeach \(\$\w+ in ", 4),
    )),
    ("sql", (
        (r"(?i)^\s*SELECT\b[\s\S]{0,400}?\bFROM\b", 6),
        (r"(?i)^\s*CREATE (?:OR REPLACE )?(?:TABLE|VIEW|INDEX|UNIQUE INDEX|DATABASE|FUNCTION|PROCEDURE|TRIGGER|TYPE|SCHEMA)\b", 7),
        (r"(?i)^\s*INSERT INTO \S+", 6), (r"(?i)^\s*UPDATE \S+\s+SET\b", 6), (r"(?i)^\s*DELETE FROM\b", 6),
        (r"(?i)^\s*ALTER TABLE\b|^\s*DROP TABLE\b", 6),
        (r"(?i)\b(?:PRIMARY KEY|NOT NULL|VARCHAR|INNER JOIN|LEFT JOIN|GROUP BY|ORDER BY|REFERENCES)\b", 3),
        (r"(?i)^\s*WITH \w+ AS \(", 4), (r"[{}]", -2), (r"^\s*(?:def|function|const|import) ", -6),
    )),
    ("html", (
        (r"(?i)<!DOCTYPE html", 9),
        (r"(?i)</?(?:html|head|body|div|span|ul|li|table|tr|td|form|input|button|script|style|section|header|footer|nav|h[1-6]|p|a|label|main|meta|link|img)\b[^>{]*>", 3),
        (r"\*ng(?:If|For)=|\[\(ngModel\)\]|\(click\)=", 5), (r"<\?php", -9),
        (r"^\s*(?:import|const|def|function|class|return) ", -4), (r"className=", -5),
    )),
    ("xml", (
        (r"^<\?xml", 9), (r"xmlns(?::\w+)?=", 5), (r"</[\w:-]+>", 1),
        (r"<(?:project|dependency|groupId|configuration|beans|manifest|svg|Project|ItemGroup)\b", 4),
        (r"(?i)<(?:html|div|body|head|p|span)\b", -4), (r"^\s*(?:import|const|def|function|class) ", -5),
    )),
    ("css", (
        (r"^\s*[.#]?[\w-]+(?:[ ,.#:>+~()\[\]=\"\w-]*)\{\s*$", 1),
        (r"^\s*(?:color|background(?:-color)?|margin|padding|display|width|height|font-(?:size|family)|border(?:-\w+)?|position|flex|grid(?:-\w+)*|cursor|text-align)\s*:\s*[^;{]+;", 4),
        (r"^@(?:media|import|keyframes|font-face|tailwind)\b", 5), (r"\b\d+(?:px|rem|em|vh|vw|%)\s*[;,)]?", 1),
        (r"^\s*(?:const|let|function|def|class|import|return) ", -5), (r"=>|\(\) \{|</", -4),
    )),
    ("scss", (
        (r"^\s*\$[\w-]+\s*:\s*[^;]+;", 6), (r"@(?:mixin|include|extend|use)\b", 6), (r"^\s*&[:.\w-]", 4),
        (r"^\s*(?:color|margin|padding|display|background)\s*:", 2),
    )),
    ("less", (
        (r"^\s*@[\w-]+\s*:\s*[^;]+;", 6), (r"^\s*\.[\w-]+\(\);", 5), (r"^\s*&[:.\w-]", 3),
        (r"^\s*(?:color|margin|padding|display|background)\s*:", 2),
    )),
    ("json", (
        (r"\A\s*[\[{]\s*(?:\"[^\"\n]*\"\s*:|\{|\[|\"|\})", 5),
        (r"^\s*\"[^\"]+\"\s*:\s*(?:[\"{\[\d-]|true|false|null)", 4), (r"[;=](?![^\"\n]*\"\s*,?\s*$)", -3),
        (r"^\s*(?:const|let|def|function|import|for|if|return)\b", -8),
    )),
    ("yaml", (
        (r"^---\s*$", 3), (r"^\s*[\w.-]+:\s*(?:$|[\w\"'\[{|>/&*-])", 2), (r"^\s*- \w[\w.-]*:\s", 3),
        (r"^\s*- [\w\"'./-]+\s*$", 1), (r"^(?:version|services|apiVersion|kind|name|on|jobs|image): ?", 4),
        (r"[;{]\s*$", -3), (r"^\s*(?:def|class|if|for|while|function|const|let|return|else|try)\b.*", -5),
        (r"[=()]", -1),
    )),
    ("toml", (
        (r"^\[[\w.\"-]+\]\s*$", 4), (r"^\[\[[\w.-]+\]\]\s*$", 6), (r"^[\w.-]+ = (?:\"|\[|\{|\d|true|false)", 2),
        (r"[;(]\s*$", -3),
    )),
    ("ini", (
        (r"^\[[\w .:-]+\]\s*$", 3), (r"^[A-Z][A-Z0-9_]+=\S*", 3), (r"^[\w.-]+\s*=\s*[^=\"\[{(;]+$", 1),
        (r"[;({]\s*$", -2),
    )),
    ("dockerfile", (
        (r"^FROM [\w./:-]+", 6), (r"^(?:RUN|COPY|WORKDIR|CMD|ENTRYPOINT|EXPOSE|ENV|ARG|ADD) ", 5),
    )),
    ("make", (
        (r"^[\w./-]+\s*:(?!=)[^=]*$", 1), (r"^\t\S", 1), (r"^\.PHONY:", 8), (r"\$\((?:CC|CFLAGS|\w+)\)", 2),
    )),
    ("hcl", (
        (r"^(?:resource|provider|variable|module|data|output|terraform)\s+(?:\"[\w-]+\"\s*)*\{", 8),
    )),
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
