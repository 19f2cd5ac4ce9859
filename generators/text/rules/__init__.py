"""Rules of the lexical generator, by name. Together they cover Polyjuice's eight control codes."""

from generators.text.rules.change import Change, Relation, Rule, Setting
from generators.text.rules.lexis import antonym, cohyponym, hypernym
from generators.text.rules.modifiers import delete_modifier, insert_modifier
from generators.text.rules.names import entity
from generators.text.rules.negation import add_negation, drop_negation
from generators.text.rules.order import conjuncts, restructure, role
from generators.text.rules.quantities import number, quantifier
from generators.text.rules.tense import tense

__all__ = ["RULES", "Change", "Relation", "Rule", "Setting"]

RULES = {
    rule.name: rule
    for rule in (
        Rule("negation", "negation", add_negation),
        Rule("unnegation", "negation", drop_negation),
        Rule("quantifier", "quantifier", quantifier),
        Rule("number", "quantifier", number),
        Rule("antonym", "lexical", antonym),
        Rule("hypernym", "lexical", hypernym),
        Rule("tense", "lexical", tense),
        Rule("cohyponym", "resemantic", cohyponym),
        Rule("entity", "resemantic", entity),
        Rule("insert_modifier", "insert", insert_modifier),
        Rule("delete_modifier", "delete", delete_modifier),
        Rule("restructure", "restructure", restructure),
        Rule("role", "shuffle", role),
        Rule("conjuncts", "shuffle", conjuncts),
    )
}
"""Every rule by name."""
