"""Ways into a causal model: a recipe's mapping, a graph, a BIF file, and a fit to a real table."""
