"""Words that say the same, written out: spellings of one word, and near-synonyms that can stand for each other."""

from __future__ import annotations

__all__ = ["SAME", "SYNONYMS"]

_SAME = """
a colour color|favourite favorite|flavour flavor|humour humor|neighbour neighbor|behaviour behavior|honour honor
a labour labor|rumour rumor|centre center|theatre theater|grey gray|cosy cozy|aluminium aluminum|pyjamas pajamas
a catalogue catalog|dialogue dialog|jewellery jewelry|mould mold|plough plow|sceptical skeptical|tyre tire
v realise realize|recognise recognize|organise organize|apologise apologize|criticise criticize|analyse analyze
v memorise memorize|summarise summarize|criticise criticize|specialise specialize
r everyone everybody|someone somebody|anyone anybody|until till|towards toward|while whilst|among amongst
r okay ok|maybe perhaps|although though|afterwards afterward|upwards upward|backwards backward|email e-mail
r besides moreover|almost nearly|upon on
"""

_SYNONYMS = """
n movie film|photo photograph|television tv|advert ad|automobile car|error mistake|shop store
n journey trip|garbage trash|sofa couch|holiday vacation|phone telephone|street road|illness sickness|start beginning
n issue problem|problem issue|luggage baggage|baggage luggage|plane airplane|website site|assistance help
n supper dinner|answer reply|method approach|location place
v buy purchase|begin start|help assist|happen occur|allow permit|choose pick|select choose|receive get|require need
v shut close|speak talk|repair fix|attempt try|comprehend understand|demonstrate show|obtain get|depart leave
v finish complete|assume suppose|reply respond|shout yell|construct build|assist help|think believe
v guess suppose|seem appear|inform tell|supply provide|utilize use
a big large|quick fast|whole entire|difficult hard|simple easy|ill sick|huge enormous|tiny minuscule|clever smart
a glad happy|strange odd|weird strange|rapid fast|correct right|incorrect wrong|silent quiet
a wealthy rich|furious angry|exhausted tired|frightened scared|intelligent smart|enormous huge|terrible awful
a horrible awful|wonderful marvelous|lovely delightful|awesome amazing|driverless self-driving|autonomous self-driving
r quickly rapidly|often frequently|usually generally|immediately instantly|completely totally|totally completely
r frequently often|rapidly quickly|instantly immediately|entirely completely|barely hardly|rarely seldom|seldom rarely
r probably likely|clearly obviously|obviously clearly|sometimes occasionally|truly really|really truly
r extremely very|very really
r because since|hi hello|hey hi|hello hi|yeah yes|yes yeah|currently now|presently now|mainly mostly
r mostly mainly|nearly almost|simply just|anyway anyhow|exactly precisely|regularly routinely
"""


def _table(text: str, *, both: bool) -> dict[tuple[str, str], str]:
    table: dict[tuple[str, str], str] = {}
    for line in text.strip().splitlines():
        part, _, rest = line.partition(" ")
        for pair in rest.split("|"):
            one, other = pair.split()
            table.setdefault((one, part), other)
            if both:
                table.setdefault((other, part), one)
    return table


SAME = _table(_SAME, both=True)
"""One word in two spellings, or two of which either can always stand for the other, by (lemma, part), both ways."""

SYNONYMS = _table(_SYNONYMS, both=False)
"""What can stand for a word in its usual sense, by (lemma, part of speech): one way where the other would lose."""
