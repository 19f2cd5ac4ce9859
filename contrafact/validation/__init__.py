"""A finished dataset checked from what is stored: hashes, counts, contents, splits, and labels computed again."""

from contrafact.validation.checking import Validation, validate

__all__ = ["Validation", "validate"]
