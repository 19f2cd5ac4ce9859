"""Other processes that work on shards: what they are told, how they are started, and the language model they share."""
