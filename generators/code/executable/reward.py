r"""A verifiable reward: whether a response gives exactly the answers that are possible.

For RL frameworks: ``reward(response, record)`` is 0 or 1, :func:`f1` lies between. Standard library alone, so that it
can be imported anywhere. The answer may be in ``\boxed{}``, after ``Answer:``, in JSON, or the last set or value of
the response; how it is written (order, brackets, ``7.0``, ``1,234``, a unit) does not matter, what it says does.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

__all__ = ["f1", "reward", "truths", "verify"]

_BOXED = re.compile(r"\\boxed\s*\{")
_SAID = re.compile(r"answers?(?:\s+(?:is|are)\b)?\s*[*_`\"]*\s*[:=]?\s*[*`]*[:=]?", re.IGNORECASE)
_GROUP = re.compile(r"[\[{(][^\[\](){}]*[\])}]")
_NUMBER = re.compile(r"(?<![\w.])[-+]?\d+(?:\.\d+)?(?![\w%]|\.\d)")
_THOUSANDS = re.compile(r"(?<![\d,])(\d{1,3}(?:,\d{3})+)(?![\d,])")
_QUOTED = re.compile(r'"([^"\n]*)"|\'([^\'\n]*)\'|“([^”\n]*)”')
_LONGEST = 100_000

Answers = frozenset[str]


def reward(response: str, record: Mapping[str, Any]) -> int:
    """1 where the response gives every possible answer and no other, else 0.

    Parameters
    ----------
    response : str
        Whatever a model wrote.
    record : mapping
        A pair as stored, or a row with ``ground_truth`` or ``answers``: a list of answers, or its JSON.
    """
    wanted = truths(record)
    return int(any(found == wanted for found in _readings(response, _is_text(wanted))))


def verify(response: str, reference: str) -> float:
    """The reward of a row of the view ``rlvr`` of ``contrafact export``: its reference is a list of answers as JSON."""
    return float(reward(response, {"ground_truth": reference}))


def f1(response: str, record: Mapping[str, Any]) -> float:
    """Harmonic mean of precision and recall over the possible answers: part of a set earns part of the reward."""
    wanted = truths(record)
    best = 0.0
    for found in _readings(response, _is_text(wanted)):
        shared = len(found & wanted)
        if shared:
            best = max(best, 2 * shared / (len(found) + len(wanted)))
    return best


def truths(record: Mapping[str, Any]) -> Answers:
    """The possible answers of a record, in one form: texts in double quotes, numbers as they are.

    Raises
    ------
    KeyError
        For a record that holds none.
    """
    counterfactual = record.get("counterfactual")
    source: Mapping[str, Any] = counterfactual if isinstance(counterfactual, Mapping) else record
    for name in ("answers", "ground_truth", "counterfactual_label"):
        given = source.get(name)
        if given is not None:
            break
    else:
        raise KeyError("the record has neither counterfactual.answers nor answers nor ground_truth")
    values = json.loads(given) if isinstance(given, str) else given
    if not isinstance(values, Sequence) or isinstance(values, str):
        values = [values]
    # Stored answers are JSON already; those of a list that somebody read are values.
    return frozenset(each if isinstance(each, str) and _is_json(each) else json.dumps(each) for each in values)


def _is_json(text: str) -> bool:
    try:
        json.loads(text)
    except ValueError:
        return False
    return True


def _is_text(wanted: Answers) -> bool:
    return any(each.startswith('"') for each in wanted)


def _readings(response: str, text: bool) -> Iterator[Answers]:
    """What the response may mean by its final answer; more than one where ``1,234`` is one number or two."""
    final = _final(response[-_LONGEST:], text)
    if text:
        yield frozenset(json.dumps(each) for each in _words(final))
        return
    plain = final.replace("−", "-").replace("–", "-").replace("\\,", "").replace("{,}", ",")
    plain = plain.rpartition("=")[2] if "=" in plain else plain
    yield frozenset(map(_number, _NUMBER.findall(plain)))
    if _THOUSANDS.search(plain):
        whole = _THOUSANDS.sub(lambda found: found[1].replace(",", ""), plain)
        yield frozenset(map(_number, _NUMBER.findall(whole)))


def _final(response: str, text: bool) -> str:
    """The part of the response that states the answer: the last that is marked as such, else the last set or value."""
    marked = [(found.end(), _braced(response, found.end())) for found in _BOXED.finditer(response)]
    marked += [(found.end(), _said(response, found.end())) for found in _SAID.finditer(response)]
    marked = [(at, part) for at, part in marked if part.strip(" \t.*`_\"'")]
    if marked:
        return max(marked)[1]
    groups = [found for found in _GROUP.finditer(response) if _holds(found[0], text)]
    values = list((_QUOTED if text else _NUMBER).finditer(response))
    last = (response.strip().splitlines() or [""])[-1]
    if values and not re.search(r"\w", re.sub(r"\b(?:and|or)\b", "", (_QUOTED if text else _NUMBER).sub("", last))):
        return last
    if groups and (not values or groups[-1].end() >= values[-1].end()):
        return groups[-1][0]
    if values:
        return values[-1][0]
    return (response.split() or [""])[-1] if text else ""


def _said(response: str, start: int) -> str:
    """What follows ``Answer:``, to the end of the line, or of the bracket that is opened there."""
    rest = response[start:].lstrip(" \t*`'")
    lines = rest.lstrip("\n").split("\n", 1)
    first = lines[0]
    if first.lstrip()[:1] in ("[", "{") and not re.search(r"[\]}]", first):
        closed = re.match(r"[^\]}]*[\]}]", rest.lstrip())
        first = closed[0] if closed else first
    # In JSON other keys may follow the list.
    listed = re.match(r"\s*\[[^\]]*\]", first)
    return listed[0] if listed else first.split("\\boxed")[0] if "\\boxed" in first else first


def _braced(response: str, start: int) -> str:
    """What stands within braces that were opened just before ``start``."""
    depth = 1
    for at in range(start, len(response)):
        depth += {"{": 1, "}": -1}.get(response[at], 0)
        if depth == 0:
            return response[start:at]
    return response[start:]


def _holds(part: str, text: bool) -> bool:
    return bool((_QUOTED if text else _NUMBER).search(part))


def _number(text: str) -> str:
    value = float(text)
    return str(int(value)) if value.is_integer() else text


def _words(final: str) -> Iterator[str]:
    """Texts in quotes; without any, what commas and ``or`` part."""
    quoted = _QUOTED.findall(final)
    if quoted:
        yield from ("".join(each) for each in quoted)
        return
    inside = re.sub(r"\\text\s*\{([^}]*)\}", r"\1", final).strip(" \t\n.[]{}()`")
    for each in re.split(r"\s*[,;]\s*|\s+(?:or|and)\s+", inside):
        word = each.strip(" \t\n.`\\{}")
        if word:
            yield word
