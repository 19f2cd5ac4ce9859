"""Generators: one folder a kind of fact. Each turns units into candidate pairs.

``GENERATORS`` names the built-in ones as text; the core imports one only when a recipe asks for it.
"""

GENERATORS = {
    "lexical": "generators.text.lexical:LexicalGenerator",
    "phrasal": "generators.text.phrasal:PhrasalGenerator",
    "scm": "generators.scm.generator:SCMGenerator",
}
