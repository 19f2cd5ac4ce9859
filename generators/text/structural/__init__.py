"""Structural text counterfactuals: a causal model decides what a text says, and stored grounding how it says it."""
