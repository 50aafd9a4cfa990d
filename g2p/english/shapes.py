"""Whether capitals can be said as a word: what may begin, join and end an English syllable."""
from __future__ import annotations

import re

_START = ("b|bl|br|c|ch|chr|cl|cr|d|dr|dw|f|fl|fr|g|gh|gl|gn|gr|h|j|k|kn|kr|l|m|n|p|ph|pl|pr|qu|r|"
          "rh|"
          "s|sc|sch|scr|sh|shr|sk|sl|sm|sn|sp|spl|spr|squ|st|str|sw|t|th|thr|tr|tw|v|w|wh|wr|y|z|"
          "kl|ts|")
_END = ("b|bb|bs|c|ch|ck|cks|cs|ct|cts|d|dd|ds|dth|dge|f|ff|ffs|fs|ft|fts|g|gg|ggs|gs|gh|ghs|ght|"
        "ghts|"
        "h|k|ks|l|ld|lds|lf|lk|lks|ll|lls|lm|lms|lp|lps|ls|lt|lth|lts|lch|m|mb|mbs|mn|mp|mps|mpt|"
        "ms|n|"
        "nc|nch|nct|nd|nds|ng|ngs|ngth|nk|nks|nn|hn|hns|ns|nt|nth|nths|nts|p|ph|phs|pp|ps|pt|pts|"
        "que|r|rb|rbs|"
        "rc|rch|rd|rds|rf|rfs|rg|rk|rks|rl|rld|rls|rm|rms|rn|rns|rp|rps|rr|rs|rsh|rst|rt|rth|rths|"
        "rts|"
        "rve|s|sc|sh|sk|sks|sm|sms|sp|sps|ss|st|sts|t|tch|th|ths|ts|tt|tz|v|w|wd|wk|wks|wl|wls|wn|"
        "wns|"
        "ws|x|xt|xth|y|ys|z|zz|cht|wth|nst|mph|lve|lse|")
_VOWELS = "[aeiouy]{1,3}"
_WORD = re.compile(rf"(?:{_START}){_VOWELS}(?:[bcdfghjklmnpqrstvwxz]{{1,4}}{_VOWELS})*(?:{_END})")
_STRANGE = re.compile(r"^y[bcdfghjklmnpqrstvwxz]|aa|ii|uu|yy|iy|[aeiou]{3,}$|[jqv](?![aeiouy])|"
                      r"q(?!u)|(?<![aeiou])x|hh|ww|jj|"
                      r"kk|vv|xx|[bcdfghjklmnpqrstvwxz]{4,}")


def sayable(word: str) -> bool:
    """Whether a word of lower-case letters looks like English: "throttle" does, "ncaa" does not."""
    return bool(_WORD.fullmatch(word)) and not _STRANGE.search(word)
