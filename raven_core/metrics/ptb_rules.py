"""The token shapes of the Penn Treebank tokenisation that the COCO caption scorer uses.

A table of patterns in order. At every place of a text the pattern that sees furthest wins, the earlier one on a tie.
Group 1 is the token; what a pattern matches beyond it is context that counts for the contest but is not consumed.
Written from the published description of Penn Treebank tokenisation and from the behaviour of the Java tokeniser.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import NamedTuple

from raven_core.metrics import ptb_characters

Reader = Callable[["re.Match[str]"], list[str]]


class Rule(NamedTuple):
    """A token shape: its name, its pattern, and what makes tokens of a match."""

    name: str
    pattern: re.Pattern[str]
    read: Reader


def _class(table: str) -> str:
    """The inside of a regular expression's character class."""
    spans = (span.split("-") for span in table.split())
    return "".join("-".join(f"\\u{int(end, 16):04x}" for end in span) for span in spans)


def _any_case(words: str) -> str:
    return f"(?i:{'|'.join(sorted(words.split(), key=len, reverse=True))})"


def _first_either(words: str) -> str:
    """Lower case but for the first letter, which may be a capital."""
    return "|".join(f"[{word[0]}{word[0].upper()}]{word[1:]}" for word in words.split())


def _first_capital(words: str) -> str:
    """A capital first, any case after it: in lower case these are words of their own."""
    return "|".join(f"{word[0].upper()}(?i:{word[1:]})" for word in words.split())


# characters ------------------------------------------------------------------------------------------------------
_LETTERS = "A-Za-z" + _class(ptb_characters.LETTERS)
_HYPHEN = "[-\u058a\u2010\u2011]"
_MARKS = _class(ptb_characters.MARKS) + "\u00ad"
_DIGITS = "0-9" + _class(ptb_characters.DIGITS)
_ACCENTED = "&[aeiouAEIOU](?:acute|grave|uml);"

LETTER = f"(?:[{_LETTERS}]|{_ACCENTED})"
DIGIT = f"[{_DIGITS}]"
_W = f"(?:[{_LETTERS}{_MARKS}]|{_ACCENTED})"
_WD = f"(?:[{_LETTERS}{_MARKS}{_DIGITS}]|{_ACCENTED})"
_LD = f"[{_LETTERS}{_DIGITS}]"
_TICK = "(?:['\u2018\u2019\u201b\x91\x92`]|&apos;)"
_APOSTROPHE = "(?:['\u2019\x92]|&apos;)"

# words -----------------------------------------------------------------------------------------------------------
_WORD = rf"{_W}{_WD}*(?:[.!?]{_W}{_WD}*)*"
_ENDING = rf"{_APOSTROPHE}(?:[msdMSD]|(?i:ll|re|ve))"
_NOT = rf"[nN](?:{_APOSTROPHE}|`)[tT]"
_PART = rf"(?:[dDoOlL]{_TICK}{_LD})?{_LD}+"
_JOINED = rf"{_PART}(?:(?:_|{_HYPHEN}){_PART})*"
_INITIALS = r"[A-Za-z](?:\.[A-Za-z])+"
_HYPHENATED = rf"[A-Za-z0-9][A-Za-z0-9.,\u00ad]*(?:-(?:{_INITIALS}\.|[A-Za-z0-9\u00ad]+))+"

# abbreviations that keep their point -----------------------------------------------------------------------------
_TITLES = """
adj adm adv alex assoc asst atty attys ave brig capt cf cie cmdr col comdr cpl dept det dr drs elec ens ft gen gov govs
hon insp invt jos lieut lt maj messrs mlle mme mr mrs ms msgr mt natl pfc ph pres prof profs pvt rep reps rev sen sens
sfc sgt spc st ste supt treas vs wm
"""
_LAST_WORDS = r"""
al ala apr ariz assn aug bhd bldg blvd bros calif co colo conn corp cos ct dak dec ed\.d esq est etc ext feb fla fri ga
inc ind intl jan jr jul jun kan kans ky ltd mar md mich minn mo mon mont neb nev nov oct okla penn ph\.d plc rd rt sep
sept seq sq sr sys tel tenn thu thurs tue tues univ va vt wed wis wisc wyo
"""
_CAPITALISED = "ark az del ill la mass miss ore pa tex wash"
_BEFORE_NUMBERS = "art ca fig figs no nos op pp prop"
_ABBREVIATION = f"(?:{_any_case(_TITLES)}|{_first_either('mfg mtg')})"
_LAST_ABBREVIATION = (
    f"(?:{_any_case(_LAST_WORDS)}|{_first_capital(_CAPITALISED)}|{_first_either('pte ptes pty')})"
)
_STARTERS = "(?:" + _first_capital(r"""
a about according additionally after an as at but earlier he her here however if in it last many more mr\. ms\. now once
one other our she since so some such that the their then there these they this we what when while yet you
""") + ")"
NUMBERED = _any_case(_BEFORE_NUMBERS)

# addresses -------------------------------------------------------------------------------------------------------
_URL_INSIDE = r'[^ \t\n\f\r"<>|(){}]'
_URL_END = r'[^ \t\n\f\r"<>|.!?(){},-]'
_HOST_PART = r"[^ \t\n\f\r\"`'!(){}|$,-_]+\."  # from comma to underscore: no capitals, digits, @ or / either
_HOST = rf'(?:www\.(?:[^ \t\n\f\r"<>|.!?(){{}},]+\.)+[a-zA-Z]{{2,4}}|(?:{_HOST_PART})+(?:com|net|org|edu))'
_MAIL_PART = r'[^ \t\n\f\r"<>|(){}.\u00a0]+'

# numbers ---------------------------------------------------------------------------------------------------------
_NUMBER = rf"(?:{DIGIT}*(?:[.:,\u00ad\u066b\u066c]{DIGIT}+)+|{DIGIT}+)"
_GAP = r"[- \u00a0]"
_PHONE = (
    rf"(?:\([0-9]{{2,3}}\)[ \u00a0]?|(?:\+\+?)?(?:[0-9]{{2,4}}{_GAP})?[0-9]{{2,4}}{_GAP})"
    rf"[0-9]{{3,4}}{_GAP}?[0-9]{{3,5}}"
)
_TAG_NAME = "[A-Za-z][A-Za-z0-9_:.-]*"
_TAG = (
    rf"<(?:[!?][A-Za-z-][^>\r\n]*|/?{_TAG_NAME}(?: +{_TAG_NAME}(?: *= *['\"][^\r\n'\"]*['\"])?)* */?) *>"
)
_SPACE = r"[ \t\n\r\x0b\x0c\x85\u00a0\u2000-\u200a\u2028\u2029\u3000]"
_EYES, _FACE = "[<>]?[:;=]", "[-^x=~<>']"

_NORMAL = {
    **dict.fromkeys("\x80\u00a4\u20a0\u20ac", "$"), "\u00a3": "#", "\u00a2": "cents",
    "\u00bc": "1/4", "\u00bd": "1/2", "\u00be": "3/4", "\u2153": "1/3", "\u2154": "2/3",
    "(": "-lrb-", ")": "-rrb-", "[": "-lsb-", "]": "-rsb-", "{": "-lcb-", "}": "-rcb-",
}  # fmt: skip
_QUOTES = {
    "`": "`", "\x91": "`", "\u2018": "`", "\u201b": "`", "\u2039": "`", "\x92": "'", "\u2019": "'", "\u203a": "'",
    "\x93": "``", "\u00ab": "``", "\u201c": "``", "\x94": "''", "\u00bb": "''", "\u201d": "''",
}  # fmt: skip
_ROUND = {"(": "-lrb-", ")": "-rrb-", " ": "\u00a0"}
_CURLY = {**_ROUND, "{": "-lcb-", "}": "-rcb-"}
_ENTITIES = {"amp": "&", "lt": "<", "gt": ">"}


def _nothing(match: re.Match[str]) -> list[str]:
    return []


def _plain(match: re.Match[str]) -> list[str]:
    return [match[1]]


def _word(match: re.Match[str]) -> list[str]:
    return [match[1].replace("\u00ad", "") or "-"]


def _halves(match: re.Match[str]) -> list[str]:
    return [half for half in match.groups()[1:] if half]


def _mapped(table: dict[str, str]) -> Reader:
    return lambda match: ["".join(table.get(letter, letter) for letter in match[1])]


def _ending(match: re.Match[str]) -> list[str]:
    return [re.sub(f"{_APOSTROPHE}", "'", match[1])]


def _entity(match: re.Match[str]) -> list[str]:
    return [_ENTITIES[match[2].lower()]]


def _dashes(match: re.Match[str]) -> list[str]:
    return [match[1]] if len(match[1]) > 4 else []


def _ampersands(match: re.Match[str]) -> list[str]:
    return [match[1].replace("&amp;", "&")]


_TABLE: tuple[tuple[str, str, Reader], ...] = (
    ("space", r"([ \t\u00a0\u2000-\u200a\u3000]+)", _nothing),
    ("tag", rf"({_TAG})", _mapped({" ": "\u00a0"})),
    ("entity", r"(&((?i:amp|lt|gt));)", _entity),
    ("silent entity", r"(&(?i:quot|nbsp|mdash|ndash|apos);)", _nothing),
    ("numbered entity", r"(&#[0-9]+;)", _plain),
    ("two words in one", r"(?i:((can)(not)|(gon)(na)|(got)(ta)|(lem)(me)|(gim)(me)|(wan)(na)))", _halves),
    ("it", r"('[tT])(?i:is|was)", _plain),
    ("last abbreviation", rf"({_LAST_ABBREVIATION}\.)(?:-?\S)?", _plain),
    ("word", rf"({_WORD})(?:{_ENDING})?", _word),
    ("word before n't", rf"([A-Za-z\u00ad]*[A-MO-Za-mo-z]\u00ad*){_NOT}", _word),
    ("n't", rf"({_NOT})", _ending),
    ("shortened", rf"((?i:ev{_APOSTROPHE}ry|li{_APOSTROPHE}l|cap{_APOSTROPHE}n|nat{_APOSTROPHE}l|c{_APOSTROPHE}est"
     rf"|c{_APOSTROPHE}mon|e{_APOSTROPHE}er|ol{_APOSTROPHE}|somethin{_APOSTROPHE}"
     rf"|[djl]{_APOSTROPHE}|y{_APOSTROPHE}(?={LETTER})|{_APOSTROPHE}(?:em|till?|cause|n{_APOSTROPHE}|n)))", _word),
    ("ending", rf"({_ENDING})[^A-Za-z]", _ending),
    ("opening quote", r"(')[A-Za-z][^ \t\n\r\u00a0']", _nothing),
    ("ending before letters", rf"({_ENDING})", _ending),
    ("elision", rf"([A-Zn]{_TICK}[{_LETTERS}]{{2,}})", _word),
    ("vowels", rf"([{_LETTERS}]+[aeiouyAEIOUY]{_TICK}[aeiouA-Z][{_LETTERS}]*|[oO]{_TICK}[oO])", _word),
    ("decade", rf"({_APOSTROPHE}[2-9]0[sS\u017f]|{_APOSTROPHE}[0-9]{{2}}(?={_SPACE}))", _plain),
    ("url", rf"((?i:https?)://{_URL_INSIDE}+{_URL_END})", _plain),
    ("host", rf"({_HOST}(?:/{_URL_INSIDE}+{_URL_END})?)", _plain),
    ("mail", rf'((?:<|&lt;)?[a-zA-Z0-9][^ \t\n\f\r"<>|(){{}}\u00a0]*@(?:{_MAIL_PART}\.)*{_MAIL_PART}(?:>|&gt;)?)', _plain),
    ("handle", rf"(@[A-Za-z_][A-Za-z0-9_]*|#{_W}+)", _plain),
    ("hyphenated", rf"({_HYPHENATED})", _word),
    ("slashed", r"([A-Za-z0-9]+(?:-[A-Za-z]+){0,2}(?:\\?/[A-Za-z0-9]+(?:-[A-Za-z]+){0,2}){1,2})", _plain),
    ("joined", rf"({_JOINED})", _word),
    ("word before comma", rf"((?:{_WORD}|{_HYPHENATED}|{_JOINED})\.)[,;:\u3001]", _word),
    ("number", rf"([-+]?{_NUMBER})", _word),
    ("fraction", rf"((?:{DIGIT}{{1,4}}[- \u00a0])?{DIGIT}{{1,4}}(?:\\?/|\u2044){DIGIT}{{1,4}})", _mapped(_ROUND)),
    ("date", rf"({DIGIT}{{1,2}}[-/]{DIGIT}{{1,2}}[-/]{DIGIT}{{2,4}})", _plain),
    ("phone", rf"({_PHONE})", _mapped(_ROUND)),
    ("initials", rf"({_INITIALS}\.|[A-Za-z]\.)", _plain),
    ("letter ending a sentence", rf"([A-Za-z])\.{_SPACE}+(?:{_STARTERS}|{_TAG}){_SPACE}", _plain),
    ("file", rf"((?:{_LD}|\u00ad|{_ACCENTED})+(?:\.(?:{_LD}|\u00ad|{_ACCENTED})+)*\.(?i:bat|bmp|c|cgi|class|cpp|dll|doc|docx|exe|gif|gz|h|html?|jar|java|jpe?g|mov|pdf|php|pl|png|ppt|ps|py"
     rf"|sql|tar|txt|wav|x|xml|zip))(?:{_SPACE}|[.,!?])", _plain),
    ("abbreviation", rf"({_ABBREVIATION}\.)", _plain),
    ("numbered", rf"({NUMBERED}\.){_SPACE}?{DIGIT}", _plain),
    ("company", r"([A-Z]+(?:(?:\+|&|&amp;)[A-Z]+)+)", _ampersands),
    ("language", r"([Cc]\+\+|[Cc]#)", _plain),
    ("dollars", r"([A-Z]+\$)", _plain),
    ("face", rf"((?:{_EYES}[-o*']?[()DPdpO\\{{@|\[\]]|:3))(?:[^A-Za-z0-9]|$)", _mapped(_ROUND)),
    ("eastern face", rf"({_FACE}_{_FACE}|\({_FACE}[_.]?{_FACE}\)|\([\^x=~<>']-[\^x=~<>']\))", _mapped(_CURLY)),
    ("bracket word", r"(-(?:LRB|RRB|LSB|RSB|LCB|RCB)-)", _plain),
    ("escaped", r"((?:\\\*)+)", _plain),
    ("raised", r"([\u207a\u207b\u208a\u208b]?(?:[\u2070\u00b9\u00b2\u00b3\u2074-\u2079]+|[\u2080-\u2089]+))", _plain),
    ("quotes", rf"([{''.join(_QUOTES)}]{{1,2}})", _mapped(_QUOTES)),
    ("run", r"([?!]+|\*+|#+|@+|_+|<<|>>)", _plain),
    ("dash", r"(-+)", _dashes),
    ("silent", r"(''|\.{3,5}|\. \. \.|[\"\u2013-\u2015\x96\x97\u2026\x85])", _nothing),
    ("normalised", rf"([{''.join(map(re.escape, _NORMAL))}])", lambda match: [_NORMAL[match[1]]]),
    ("symbol", rf"([!-/:-@\\^_`|~{_class(ptb_characters.SYMBOLS)}])", _plain),
)  # fmt: skip


def _compiled(table: Iterable[tuple[str, str, Reader]]) -> tuple[Rule, ...]:
    return tuple(Rule(name, re.compile(pattern), read) for name, pattern, read in table)


RULES = _compiled(_TABLE)
