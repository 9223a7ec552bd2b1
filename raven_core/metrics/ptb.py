from __future__ import annotations
from raven_core.metrics.ptb_rules import RULES
PUNCTUATION = frozenset("'' ' `` ` -LRB- -RRB- -LCB- -RCB- . ? ! , : - -- ... ;".split())

def lex(text, trace=False):
    text+='\n'
    place, tokens = 0, []
    while place < len(text):
        best, far = None, place
        for rule in RULES:
            m = rule.pattern.match(text, place)
            if m and m.end() > far:
                best, far = (rule, m), m.end()
        if best is None:
            place += 1
            continue
        rule, m = best
        if trace: print(rule.name, repr(m[1]), repr(m[0]), rule.read(m))
        tokens += rule.read(m)
        place = m.end(1)
    return [t for t in (t.lower() for t in tokens) if t not in PUNCTUATION]
