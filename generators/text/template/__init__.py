"""Template counterfactuals: sentences with slots, of which a pair fills those of one concept anew."""
