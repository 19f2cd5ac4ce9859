"""Teachers: models that say how probable each label of a text is.

========================================= ==========================================================================
``model: folder`` with a teacher.json      what ``contrafact teacher train`` wrote
``model: folder`` or a hub id              a Hugging Face sequence classifier or NLI cross-encoder
``{zero_shot: folder or hub id}``          an NLI model that is asked whether a text entails each label
``{pipeline: file.joblib, trust: true}``   a scikit-learn pipeline; loading one runs the code in it
``{train: source}``                        logistic regression on embeddings, trained on labelled texts when first asked
``{llm: {}}``                              the recipe's language model, read from the log-probabilities of its choice
``file.py:function``                       ``function(texts)`` of the user's own
========================================= ==========================================================================

Each gives probabilities in the order of the dataset's labels, whatever order its own are in.
"""

from __future__ import annotations

from contrafact.engines.teachers.base import Teacher, Texts
from contrafact.engines.teachers.opening import open_teacher
from contrafact.engines.teachers.remembering import Remembering

__all__ = ["Remembering", "Teacher", "Texts", "open_teacher"]
