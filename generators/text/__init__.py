"""Text counterfactuals: one place in a text is changed, and everything outside it stays byte for byte."""
