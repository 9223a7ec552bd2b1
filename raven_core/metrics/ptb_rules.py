"""The token shapes of the Penn Treebank tokenisation that the COCO caption scorer uses.

A table of patterns in order. At every place of a text the pattern that sees furthest wins, the earlier one on a tie.
Group 1 is the token; what a pattern sees beyond it is context, which counts in the contest but is left for the next
token. Written from the conventions of the treebank (Marcus et al. 1993) and from what the Java tokeniser answers when
it is asked; its odd answers are kept, since published figures have them too.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import NamedTuple

from raven_core.metrics import ptb_characters

Reader = Callable[["re.Match[str]"], str]


class Rule(NamedTuple):
    """A token shape: its name, its pattern, and what makes the token of a match ("" = none)."""

    name: str
    pattern: re.Pattern[str]
    read: Reader


def _ranges(table: str) -> str:
    """A table of code points as the inside of a character class."""
    spans = (span.split("-") for span in table.split())
    return "".join("-".join(f"\\u{int(end, 16):04x}" for end in span) for span in spans)


def _any_of(words: str) -> str:
    """One of the words, in any case, the longest that fits."""
    return f"(?i:{'|'.join(sorted(words.split(), key=len, reverse=True))})"


def _capitalised(words: str) -> str:
    """One of the words with a capital first and any case after it."""
    return "|".join(f"{word[0].upper()}(?i:{word[1:]})" for word in sorted(words.split(), key=len, reverse=True))


# characters
_LETTERS = "A-Za-z" + _ranges(ptb_characters.LETTERS)
_DIGITS = "0-9" + _ranges(ptb_characters.DIGITS)
_MARKS = _ranges(ptb_characters.MARKS) + "\u00ad"
_ACCENTED = "&[aeiouAEIOU](?:acute|grave|uml);"
_LETTER = f"(?:[{_LETTERS}]|{_ACCENTED})"
_DIGIT = f"[{_DIGITS}]"
_ALNUM = f"[{_LETTERS}{_DIGITS}]"
_WORD_START = f"(?:[{_LETTERS}{_MARKS}]|{_ACCENTED})"
_WORD_CHAR = f"(?:[{_LETTERS}{_MARKS}{_DIGITS}]|{_ACCENTED})"
_HYPHEN = "[-\u058a\u2010\u2011]"
_APOSTROPHE = "(?:['\u2019\x92]|&apos;)"
_TICK = "(?:['`\u2018\u2019\u201b\x91\x92]|&apos;)"
_BLANK = r"[ \t\u00a0\u2000-\u200a\u3000]"
_SPACE = r"[ \t\n\r\x0b\x0c\x85\u00a0\u2000-\u200a\u2028\u2029\u3000]"

# words
_WORD = rf"{_WORD_START}{_WORD_CHAR}*(?:[.!?]{_WORD_START}{_WORD_CHAR}*)*"
_INITIALS = r"[A-Za-z](?:\.[A-Za-z])+"
_HYPHENATED = rf"[A-Za-z0-9][A-Za-z0-9.,\u00ad]*(?:-(?:{_INITIALS}\.|[A-Za-z0-9\u00ad]+))+"
_PART = rf"(?:[dDoOlL]{_TICK}{_ALNUM})?{_ALNUM}+"
_JOINED = rf"{_PART}(?:(?:_|{_HYPHEN}){_PART})*"
_SLASHED = r"[A-Za-z0-9]+(?:-[A-Za-z]+){0,2}(?:\\?/[A-Za-z0-9]+(?:-[A-Za-z]+){0,2}){1,2}"
_COMPANY = "[A-Z]+(?:(?:(?i:&amp;)|[+&])[A-Z]+)+"
_NOT = rf"[nN]{_TICK}[tT]"
_ENDING = rf"{_APOSTROPHE}(?:[msdMSD]|(?i:ll|re|ve))"
_SHORTENED = "ev'ry li'l cap'n nat'l c'est c'mon e'er ol' somethin' d' j' l' 'em 'til 'till 'cause 'n' 'n"
_VOWELS = rf"[{_LETTERS}]+[aeiouyAEIOUY]{_TICK}[aeiouA-Z][{_LETTERS}]*|[oO]{_TICK}[oO]"  # Hawai'i

# abbreviations, which keep their point
TITLES = """
adj adm adv alex assoc asst atty attys ave brig capt cf cie cmdr col comdr cpl dept det dr drs elec ens ft gen gov govs
hon insp invt jos lieut lt maj messrs mfg mlle mme mr mrs ms msgr mt mtg natl pfc ph pres prof profs pvt rep reps rev
sen sens sfc sgt spc st ste supt treas vs wm
"""
LAST = """
al ala apr ariz assn aug bhd bldg blvd bros calif co colo conn corp cos ct dak dec esq est etc ext feb fla fri ga inc
ind intl jan jr jul jun kan kans ky ltd mar md mich minn mo mon mont neb nev nov oct okla penn plc pte ptes pty rd rt
sep sept seq sq sr sys tel tenn thu thurs tue tues univ va vt wed wis wisc wyo
"""
"""Abbreviations that often end a sentence."""
STATES = "ark az del ill la mass miss ore pa tex wash"
"""Abbreviations only where they begin with a capital."""
NUMBERED = "art ca fig figs no nos op pp prop"
"""Abbreviations only where a number follows."""
_NOT_CAPITAL = {
    "mfg": "m(?-i:f)g", "mtg": "m(?-i:t)g", "pte": "pt(?-i:e)", "ptes": "pt(?-i:e)s", "pty": "pt(?-i:y)",
}  # fmt: skip
_TITLE = _any_of(" ".join(_NOT_CAPITAL.get(word, word) for word in TITLES.split()))
_LAST = f"(?:{_any_of(' '.join(_NOT_CAPITAL.get(word, word) for word in LAST.split()))}"
_LAST = rf"{_LAST}|{_capitalised(STATES)}|(?i:(?:ph|ed)\.d))"
_STARTERS = _capitalised(r"""
a about according additionally after an as at but earlier he her here however if in it last many more mr\. ms\. now once
one other our she since so some such that the their then there these they this we what when while yet you
""")

# addresses
_URL = r'(?i:https?)://[^ \t\n\f\r"<>|(){}]+[^ \t\n\f\r"<>|.!?(){},-]'
_HOST_PART = r"[^ \t\n\f\r\"`'!(){}|$,-_]+\."  # "," to "_" is a range: no capitals, digits, @ or / either
_HOST = rf'(?i:www)\.(?:[^ \t\n\f\r"<>|.!?(){{}},]+\.)+[a-zA-Z]{{2,4}}|(?:{_HOST_PART})+(?i:com|net|org|edu)'
_PATH = r'/[^ \t\n\f\r"<>|()]+[^ \t\n\f\r"<>|.!?(){},-]'
_MAIL_PART = r'[^ \t\n\f\r"<>|(){}.\u00a0]+'
_MAIL = rf'[a-zA-Z0-9][^ \t\n\f\r"<>|(){{}}\u00a0]*@(?:{_MAIL_PART}\.)*{_MAIL_PART}'
_SUFFIX = _any_of("""
bat bmp c cgi class cpp dll doc docx exe gif gz h htm html jar java jpeg jpg mov pdf php pl png ppt ps py sql tar txt
wav x xml zip
""")
_TAG_NAME = "[A-Za-z][A-Za-z0-9_:.-]*"
_TAG_PART = rf"{_TAG_NAME}(?: *= *['\"][^\r\n'\"]*['\"])?"
_TAG = rf"<(?:[!?][A-Za-z-][^>\r\n]*|/?{_TAG_NAME}(?: +{_TAG_PART})* */?) *>"

# numbers
_NUMBER = rf"(?:{_DIGIT}*(?:[.:,\u00ad\u066b\u066c]{_DIGIT}+)+|{_DIGIT}+)"
_FRACTION = rf"(?:{_DIGIT}{{1,4}}[- \u00a0])?{_DIGIT}{{1,4}}(?:\\?/|\u2044){_DIGIT}{{1,4}}"
_AREA = r"(?:\([0-9]{2,3}\)[ \u00a0]?|(?:\+\+?)?(?:[0-9]{2,4}[- \u00a0])?[0-9]{2,4}[- \u00a0])"
_RAISED = r"[\u207a\u207b\u208a\u208b]?(?:[\u2070\u00b9\u00b2\u00b3\u2074-\u2079]+|[\u2080-\u2089]+)"

# faces
_FACE = r"(?:[<>]?[:;=][-o*']?[()DPdpO\\{@|\[\]]|:3)"
_EASTERN = r"[-^x=~<>']_[-^x=~<>']|\([-^x=~<>'][_.]?[-^x=~<>']\)|\([\^x=~<>']-[\^x=~<>']\)"

_NORMAL = {
    **dict.fromkeys("\x80\u00a4\u20a0\u20ac", "$"), "\u00a3": "#", "\u00a2": "cents",
    "\u00bc": "1/4", "\u00bd": "1/2", "\u00be": "3/4", "\u2153": "1/3", "\u2154": "2/3",
    "(": "-lrb-", ")": "-rrb-", "[": "-lsb-", "]": "-rsb-", "{": "-lcb-", "}": "-rcb-",
}  # fmt: skip
_QUOTES = {
    **dict.fromkeys("`\x91\u2018\u201b\u2039", "`"), **dict.fromkeys("\x92\u2019\u203a", "'"),
    **dict.fromkeys("\x93\u00ab\u201c", "``"), **dict.fromkeys("\x94\u00bb\u201d", "''"),
    **{mark: mark for mark in "\u201a\u201e\u201f"},
}  # fmt: skip
_ENDING_MARKS = {**dict.fromkeys("\u2018\u201b\x91", "`"), **dict.fromkeys("\u2019\x92", "'")}
_SPACED = {" ": "\u00a0"}
_ROUND = {**_SPACED, "(": "-lrb-", ")": "-rrb-"}
_CURLY = {**_ROUND, "{": "-lcb-", "}": "-rcb-"}


def _as_is(match: re.Match[str]) -> str:
    return match[1]


def _nothing(match: re.Match[str]) -> str:
    return ""


def _unhyphenated(match: re.Match[str]) -> str:
    """The token without its soft hyphens; one of soft hyphens alone is punctuation."""
    return match[1].replace("\u00ad", "")


def _entity(match: re.Match[str]) -> str:
    return {"amp": "&", "lt": "<", "gt": ">"}[match[2].lower()]


def _ampersands(match: re.Match[str]) -> str:
    return re.sub("(?i:&amp;)", "&", match[1])


def _dash(match: re.Match[str]) -> str:
    """Up to four hyphens are a dash, which is punctuation; more are a rule, which is a token."""
    return match[1] if len(match[1]) > 4 else ""


def _mapped(table: dict[str, str]) -> Reader:
    return lambda match: "".join(table.get(letter, letter) for letter in match[1])


def _ending(match: re.Match[str]) -> str:
    return _mapped(_ENDING_MARKS)(match).replace("&apos;", "'")


_TABLE: tuple[tuple[str, str, Reader], ...] = (
    ("space", f"({_BLANK}+)", _nothing),
    ("tag", f"({_TAG})", _mapped(_SPACED)),
    ("entity", "(&((?i:amp|lt|gt));)", _entity),
    ("silent entity", "(&(?:quot|apos|(?i:nbsp|md|mdash|ndash));)", _nothing),
    ("other entity", "(&(?:#[0-9]+|(?i:quot|apos|ht|tl|ur|lr|qc|ql|qr|odq|cdq));)", _as_is),
    ("can of cannot", "((?i:can))(?i:not)", _as_is),
    ("gon of gonna", "((?i:gon|wan))(?i:na)", _as_is),
    ("got of gotta", "((?i:got))(?i:ta)", _as_is),
    ("gim of gimme", "((?i:gim|lem))(?i:me)", _as_is),
    ("t of it", "('[tT])(?i:is|was)", _as_is),
    ("mail", f"((?:<|&lt;)?{_MAIL}(?:>|&gt;)?)", _as_is),
    ("last abbreviation", rf"({_LAST}\.)(?:-?\S(?!{_WORD_CHAR})[^A-Za-z0-9]?)?", _as_is),
    ("word", f"({_WORD})(?:{_ENDING})?", _unhyphenated),
    ("word before n't", rf"([A-Za-z\u00ad]*[A-MO-Za-mo-z]\u00ad*){_NOT}", _unhyphenated),
    ("n't", f"({_NOT})", _ending),
    ("shortened", f"({_any_of(_SHORTENED)})".replace("'", _APOSTROPHE), _as_is),
    ("y of y'all", f"([yY]{_APOSTROPHE}){_LETTER}", _as_is),
    ("ending", f"({_ENDING})[^A-Za-z]", _ending),
    ("opening quote", r"(')[A-Za-z][^ \t\n\r\u00a0']", _nothing),
    ("ending before letters", f"({_ENDING})", _ending),
    ("elision", f"([A-HJ-XZn]{_TICK}[{_LETTERS}]{{2,}})", _as_is),
    ("vowels", f"({_VOWELS})", _as_is),
    ("decade", f"({_APOSTROPHE}[2-9]0[sS\u017f]|{_APOSTROPHE}[0-9]{{2}}(?={_SPACE}))", _as_is),
    ("url", f"({_URL})", _as_is),
    ("host", f"((?:{_HOST})(?:{_PATH})?)", _as_is),
    ("handle", f"(@[A-Za-z_][A-Za-z0-9_]*|#{_WORD_START}+)", _as_is),
    ("hyphenated", f"({_HYPHENATED})", _unhyphenated),
    ("slashed", f"({_SLASHED})", _as_is),
    ("joined", f"({_JOINED})", _as_is),
    ("word before comma", rf"((?:{_WORD}|{_HYPHENATED}|{_JOINED}|{_COMPANY})\.)[,;:\u3001]", _unhyphenated),
    ("number", f"([-+]?{_NUMBER})", _unhyphenated),
    ("fraction", f"({_FRACTION})", _mapped(_SPACED)),
    ("date", f"({_DIGIT}{{1,2}}[-/]{_DIGIT}{{1,2}}[-/]{_DIGIT}{{2,4}})", _as_is),
    ("phone", rf"({_AREA}[0-9]{{3,4}}[- \u00a0]?[0-9]{{3,5}})", _mapped(_ROUND)),
    ("initials", rf"({_INITIALS}\.|[A-Za-z]\.)", _as_is),
    ("letter ending a sentence", rf"([A-Za-z])\.{_SPACE}+(?:{_STARTERS}|{_TAG}){_SPACE}", _as_is),
    ("file", rf"({_WORD_CHAR}+(?:\.{_WORD_CHAR}+)*\.{_SUFFIX})(?:{_SPACE}|[.,!?])", _as_is),
    ("abbreviation", rf"({_TITLE}\.)", _as_is),
    ("numbered", rf"({_any_of(NUMBERED)}\.){_SPACE}?{_DIGIT}", _as_is),
    ("company", f"({_COMPANY})", _ampersands),
    ("language", r"([Cc]\+\+|[CcFf]#)", _as_is),
    ("dollars", r"([A-Z]+\$)", _as_is),
    ("face", f"({_FACE})[^A-Za-z0-9]", _mapped(_ROUND)),
    ("eastern face", f"({_EASTERN})", _mapped(_CURLY)),
    ("bracket word", "(-(?i:[lr][rsc]b)-)", _as_is),
    ("escaped", r"((?:\\\*)+)", _as_is),
    ("raised", f"({_RAISED})", _as_is),
    ("quotes", f"([{''.join(_QUOTES)}]{{1,2}})", _mapped(_QUOTES)),
    ("run", r"([?!]+|\*+|#+|@+|_+|<<|>>)", _as_is),
    ("dash", "(-+)", _dash),
    ("silent", r"(''|\.{3,5}|\. \. \.|[\"\u2013-\u2015\x96\x97\u2026\x85])", _nothing),
    ("normalised", f"([{re.escape(''.join(_NORMAL))}])", lambda match: _NORMAL[match[1]]),
    ("symbol", rf"([!-/:-@\\^_`|~{_ranges(ptb_characters.SYMBOLS)}])", _as_is),
)
RULES = tuple(Rule(name, re.compile(pattern), read) for name, pattern, read in _TABLE)
"""The token shapes, in the order that breaks ties."""
