"""Static analysers as teachers: what they find in code that nobody can run.

============== ========= =================================================
``bandit``     Python    ``pip install bandit``
``cppcheck``   C         ``apt-get install cppcheck``
``flawfinder`` C         ``pip install flawfinder``
``semgrep``    both      in an environment of its own; rules are in ``rules/``
============== ========= =================================================

One contract: texts in, findings out, each with the number of its weakness. A finding is an opinion and no proof.
"""

from contrafact.engines.analysers.base import Analyser, Finding, same_weakness
from contrafact.engines.analysers.opening import ANALYSERS, open_analyser

__all__ = ["ANALYSERS", "Analyser", "Finding", "open_analyser", "same_weakness"]
