"""Generators: one folder a kind of fact. Each turns units into candidate pairs.

``GENERATORS`` names the built-in ones as text; the core imports one only when a recipe asks for it.
"""

GENERATORS = {
    "concept": "generators.text.concept.generator:ConceptGenerator",
    "executable": "generators.code.executable.generator:ExecutableGenerator",
    "lexical": "generators.text.lexical:LexicalGenerator",
    "mutation": "generators.code.mutation.generator:MutationGenerator",
    "phrasal": "generators.text.phrasal:PhrasalGenerator",
    "scm": "generators.scm.generator:SCMGenerator",
    "specification": "generators.code.specification.generator:SpecificationGenerator",
    "structural": "generators.text.structural.generator:StructuralGenerator",
    "template": "generators.text.template.generator:TemplateGenerator",
    "vulnerability": "generators.code.vulnerability.generator:VulnerabilityGenerator",
}
