"""Texts that differ in one named concept, other named concepts being equal: found among real texts, or rewritten."""
