"""Demonstrations of our own, written by hand: one phrase in braces, as it stood and as it was replaced.

Each serves both ways: where an edit makes ``negative`` of ``positive``, its reverse makes ``positive`` of
``negative``.
"""

from __future__ import annotations

__all__ = ["BUILTIN"]

_NLI: dict[tuple[str, str], tuple[tuple[str, str], ...]] = {
    ("entailment", "neutral"): (
        ("A boy in a red coat is feeding ducks by a pond.", "A boy is feeding {birds|his favourite birds}."),
        ("Two women are waiting at a bus stop in the rain.", "The women are waiting {outside|for the same bus}."),
        ("A carpenter is sawing a long plank.", "Someone is {cutting wood|building a table}."),
        ("The old library closes at six on weekdays.", "The library {is open on some days|has a large garden}."),
        ("Several children are splashing in a fountain.", "{Some children|Two brothers} are getting wet."),
        ("A man is reading a newspaper {on a park bench|by himself}.", "A man is outdoors."),
        ("The children are eating {apples|their lunch}.", "The children are eating fruit."),
        ("A woman {is playing the violin|is holding a violin} on a stage.", "Someone is playing music."),
        ("A truck drives {through the rain|past a farm} on a country road.", "The road is wet."),
        ("A dog {is snoring|is lying} by the fire.", "An animal is asleep."),
    ),
    ("entailment", "contradiction"): (
        ("A woman is sleeping on the sofa with a book on her lap.", "A woman is {asleep|running a race}."),
        ("The dog is lying under the kitchen table.", "The dog is {inside|on the roof}."),
        ("All the seats on the morning train were taken.", "The morning train was {full|empty}."),
        ("A man in a green apron is slicing bread.", "The man is {preparing food|swimming in a lake}."),
        ("It snowed heavily all night in the village.", "The weather that night was {cold|hot and dry}."),
        ("A woman is {sitting on a swing|climbing a ladder}.", "A woman is sitting."),
        ("Customers are {paying inside the shop|waiting for the shop to open}.", "The shop is open."),
        ("Two men are playing chess {in the garden|in a hotel room}.", "The men are outdoors."),
        ("The boy is {laughing with joy|crying bitterly} after the game.", "The boy is happy."),
        ("The pool {is empty|is crowded with swimmers} this morning.", "Nobody is in the pool."),
    ),
    ("neutral", "contradiction"): (
        ("A girl is riding her bicycle down a hill.", "The girl is riding {to school|a horse}."),
        ("Three men are carrying a piano up the stairs.", "The men are {brothers|sitting down}."),
        ("A cat is sitting still on a window sill.", "The cat is {waiting for its owner|chasing a mouse}."),
        ("A cook is stirring a pot of hot soup.", "The soup is {for a wedding|as cold as ice}."),
        ("A teacher is writing on the blackboard.", "The teacher is {writing about history|asleep in a chair}."),
        ("A man is {standing in a shop|asleep in his bed}.", "The man is buying bread."),
        ("Two dogs {are lying near a bowl|have just eaten all they could}.", "The dogs are hungry."),
        ("A girl {stands on a stage|is brushing her teeth in silence}.", "The girl is singing."),
        ("A couple {is taking pictures of a castle|is at work in a factory}.", "The couple is on holiday."),
        ("The team {walked off the field|lost the match} in the evening.", "The team won the match."),
    ),
}

_SENTIMENT: dict[tuple[str, str], tuple[tuple[str], ...]] = {
    ("negative", "positive"): (
        ("The soup was {terrible|delicious} and we told the cook so.",),
        ("I {hate|love} my new phone.",),
        ("Our train {was cancelled again|was right on time} this morning.",),
        ("We had {a miserable time|a great time} at the beach today.",),
        ("The driver waited for us {with a frown|with a smile}.",),
        ("{Nobody|Everyone} at the hospital treated us well.",),
    ),
    ("negative", "neutral"): (
        ("The train {was filthy and late again|arrived at platform two} this morning.",),
        ("My new phone {broke after a day|came in a white box}.",),
        ("The film was {far too long|about two hours long}.",),
        ("I spoke to {the rudest agent ever|an agent} this afternoon.",),
        ("They put us in {a freezing, dirty room|a room on the third floor}.",),
    ),
    ("neutral", "positive"): (
        ("The hotel is {near the station|the best in town}.",),
        ("I {watched|really loved} the match last night.",),
        ("The package came {on Monday|beautifully wrapped and early}.",),
        ("My sister works with {five other people|wonderful, funny people}.",),
        ("We {talked about|can't stop smiling about} the trip to Lisbon.",),
    ),
}

BUILTIN: dict[str, dict[tuple[str, str], tuple[tuple[str, ...], ...]]] = {
    "nli": dict(_NLI),
    "classification": dict(_SENTIMENT),
}
"""By kind of task and by the label that the first phrase gives and the one that the second does."""
