"""One question for two clips, whose answers differ: told from the record of an edit, or measured in the pixels."""
