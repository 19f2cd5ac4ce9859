"""Programs as trees: parsed with places in bytes, compared by tokens, by statements and by tree.

Python and C, through tree-sitter, which reads both alike and never fails: what does not parse is a node of its own.
"""

from contrafact.engines.syntax.distances import token_distance, tree_distance
from contrafact.engines.syntax.statements import statements, statements_touched
from contrafact.engines.syntax.trees import LANGUAGES, Language, Trouble, parse, tokens, trouble, walk

__all__ = [
    "LANGUAGES",
    "Language",
    "Trouble",
    "parse",
    "statements",
    "statements_touched",
    "token_distance",
    "tokens",
    "tree_distance",
    "trouble",
    "walk",
]
