from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from contrafact.engines import Engines
from contrafact.engines.analysers import ANALYSERS, Finding, open_analyser, same_weakness
from contrafact.errors import MissingDependencyError, RecipeError
from contrafact.record import class_label
from contrafact.stages import Context
from contrafact.streams import Streams
from filters.static import Static
from generators.code.vulnerability.generator import VulnerabilityGenerator
from tests.filters.texts import Texts, judged, verdicts

FIXED = 'import subprocess\n\n\ndef look(name):\n    return subprocess.check_output(["dig", name])\n'
OPEN = FIXED.replace('["dig", name]', 'f"dig {name}", shell=True')
OVERRUN = "int f(void) { int a[4]; a[%d] = 1; return a[0]; }\n"


def analyser(name: str) -> Any:
    try:
        return open_analyser(name)
    except MissingDependencyError as error:
        pytest.skip(f"{error.what}: {error.fix}")


def test_bandit_reads_many_texts_at_once_and_numbers_the_weakness() -> None:
    found = analyser("bandit").findings([FIXED, OPEN, "x = 1\n", "not python (\n"])
    assert found[0] == found[2] == found[3] == []
    assert [(each.cwe, each.rule, each.line) for each in found[1]] == [(78, "B602", 5)]


@pytest.mark.parametrize("name", ["cppcheck"])
def test_cppcheck_follows_values(name: str) -> None:
    found = analyser(name).findings([OVERRUN % 3, OVERRUN % 4])
    assert [] in found
    assert any(same_weakness(each.cwe, 787) for each in found[1])


def test_flawfinder_knows_calls_by_name() -> None:
    text = "#include <string.h>\nvoid f(char *to, const char *from) { strcpy(to, from); }\n"
    assert Finding(120, "strcpy", 2) in analyser("flawfinder").findings([text])[0]


def test_near_kin_are_one_weakness() -> None:
    assert same_weakness(787, 120)
    assert same_weakness(4, 4)
    assert not same_weakness(89, 78)


def test_an_analyser_that_is_not_there_names_its_package(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shutil.which", lambda name: None)
    monkeypatch.setattr("sys.executable", "/nowhere/python")
    for name in ANALYSERS:
        with pytest.raises(MissingDependencyError, match=name) as caught:
            Static(analysers=[name])
        assert "install" in str(caught.value.fix)
    with pytest.raises(RecipeError, match="did you mean 'bandit'"):
        Static(analysers=["bandti"])
    with pytest.raises(RecipeError, match="no analyser is named"):
        Static(analysers=[])


def test_the_filter_scores_the_difference_towards_the_higher_label() -> None:
    analyser("bandit")
    texts = Texts("code", label=class_label("label", ["safe", "vulnerable"]))
    sides = [(FIXED, OPEN, 0, 1), (OPEN, FIXED, 1, 0), (OPEN, FIXED, 0, 1), (FIXED, FIXED, 0, 1)]
    rows = [{"factual": {"code": one}, "counterfactual": {"code": other}, "label": a, "counterfactual_label": b}
            for one, other, a, b in sides]  # fmt: skip
    found = judged(Static(analysers=["bandit"], language="python"), rows, texts)
    assert np.asarray(found.scores["static_delta"]).tolist() == [1, 1, -1, 0]
    assert verdicts(found) == ["", "", *["the analysers do not find more in one member"] * 2]


def test_real_code_has_the_analysers_for_a_teacher() -> None:
    analyser("bandit")
    generator = VulnerabilityGenerator(
        language="python", column="code", analysers=["bandit"], rules=["shell"], direction={"removed": 1.0}
    )
    assert generator.source(0) is None
    units = pa.table({"unit_id": ["a", "b", "c"], "code": [FIXED, "x = 1\n", "def f(:\n"]})
    rows = generator.generate(units, Context(Streams(1, "real"), "recipe", 1, engines=Engines({}))).to_pylist()
    assert [row["reasons"] for row in rows[:2]] == [[], ["vulnerability: no guard that a rule could weaken"]]
    assert rows[2]["reasons"][0].startswith("vulnerability: the code does not parse: line 1, ")
    pair = rows[0]
    assert (pair["label_source"], pair["exact"], pair["factual"]["cwe"]) == ("teacher", False, 78)
    assert pair["factual"]["code"] == FIXED
    assert pair["counterfactual"]["code"] in (OPEN, OPEN.replace("{name}", "'{name}'"))
    assert (pair["label"], pair["counterfactual_label"]) == (0, 1)


STRCPY = "#include <string.h>\nvoid f(char *to, const char *from)\n{\n    strcpy(to, from);\n}\n"


def test_semgrep_reads_both_languages_with_our_rules_and_no_network() -> None:
    semgrep = analyser("semgrep")
    found = semgrep.findings([FIXED, OPEN, "x = 1\n"], "python")
    assert found[0] == found[2] == []
    assert [(each.cwe, each.rule, each.line) for each in found[1]] == [(78, "shell-line", 5)]
    assert [each.rule for each in semgrep.findings([STRCPY], "c")[0]] == ["copy-without-a-limit"]
    assert "rules" in semgrep.version()


SCRIPT = """#!{python}
import json, pathlib, sys
if "--version" in sys.argv:
    print("1.2.3")
    sys.exit()
assert {{"scan", "--json", "--metrics=off", "--disable-version-check"}} <= set(sys.argv), sys.argv
rules = pathlib.Path(sys.argv[sys.argv.index("--config") + 1])
assert sorted(path.name for path in rules.glob("*.yaml")) == ["c.yaml", "python.yaml"]
results = [
    {{"check_id": "a.b.shell-line", "path": str(path), "start": {{"line": 5}},
      "extra": {{"metadata": {{"cwe": "CWE-78"}}}}}}
    for path in pathlib.Path(sys.argv[-1]).glob("*.py") if "shell=True" in path.read_text()
]
print(json.dumps({{"results": results}}))
"""


def test_semgrep_s_executable_may_be_named_and_is_asked_once_for_both_sides(tmp_path: Path) -> None:
    """A stand-in that answers as semgrep 1.1xx does: the command line and the shape of its answer, no analysis."""
    path = tmp_path / "my-semgrep"
    path.write_text(SCRIPT.format(python=sys.executable))
    path.chmod(0o755)
    static = Static(analysers=["semgrep"], language="python", related=False, executables={"semgrep": str(path)})
    assert static.identity()[0].startswith("semgrep 1.2.3 rules ")
    asked: list[int] = []
    real = static.analysers[0].findings

    def counted(texts: list[str], language: str | None = None) -> Any:
        asked.append(len(texts))
        return real(texts, language)

    static.analysers[0].findings = counted  # type: ignore[method-assign,assignment]
    table = judged_pairs(static)
    assert asked[0] == 4
    assert table.passed.tolist() == [True, False]


def judged_pairs(static: Static) -> Any:
    rows = [{"factual": {"code": one}, "counterfactual": {"code": other}, "label": 0, "counterfactual_label": 1}
            for one, other in ((FIXED, OPEN), (FIXED, FIXED))]  # fmt: skip
    static.alias = "static"
    return static.judge(pa.Table.from_pylist(rows))


def test_an_executable_that_is_not_there_or_is_nobody_s_is_named() -> None:
    with pytest.raises(MissingDependencyError, match="there is no executable '/nowhere/semgrep'"):
        Static(analysers=["semgrep"], executables={"semgrep": "/nowhere/semgrep"})
    with pytest.raises(RecipeError, match=r"executables has 'bandti' \(did you mean 'bandit'"):
        Static(analysers=["bandit"], executables={"bandti": "x"})
