"""Generators: one folder a kind of fact. Each turns units into candidate pairs.

``GENERATORS`` names the built-in ones as text; the core imports one only when a recipe asks for it.
"""

GENERATORS = {"scm": "generators.scm.generator:SCMGenerator"}
