"""Generators: one folder a kind of fact. Each turns units into candidate pairs.

``GENERATORS`` names the built-in ones as text; the core imports one only when a recipe asks for it.
"""

GENERATORS = {
    "concept": "generators.text.concept.generator:ConceptGenerator",
    "degrade": "generators.image.degrade:DegradeGenerator",
    "diffusion": "generators.video.diffusion.generator:DiffusionGenerator",
    "edit": "generators.video.edit.generator:EditGenerator",
    "evidence": "generators.image.evidence:EvidenceGenerator",
    "executable": "generators.code.executable.generator:ExecutableGenerator",
    "interference": "generators.image.interference:InterferenceGenerator",
    "lexical": "generators.text.lexical:LexicalGenerator",
    "mutation": "generators.code.mutation.generator:MutationGenerator",
    "phrasal": "generators.text.phrasal:PhrasalGenerator",
    "physics": "generators.video.physics.generator:Physics",
    "quantized": "generators.image.quantized:QuantizedGenerator",
    "scm": "generators.scm.generator:SCMGenerator",
    "scm_image": "generators.image.scm_image:SCMImageGenerator",
    "specification": "generators.code.specification.generator:SpecificationGenerator",
    "structural": "generators.text.structural.generator:StructuralGenerator",
    "template": "generators.text.template.generator:TemplateGenerator",
    "tracer": "generators.video.tracer.generator:TracerGenerator",
    "vulnerability": "generators.code.vulnerability.generator:VulnerabilityGenerator",
}
