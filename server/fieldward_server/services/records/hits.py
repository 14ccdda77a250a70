"""What is shown of a record that may be meant: enough to tell children apart, and nothing else."""

from __future__ import annotations

from fieldward_sync.enquiries import MAX_CONFLICTS_OF_A_HIT, EnquiryHit
from fieldward_sync.matching.ranking import Match
from fieldward_sync.views import View


def hit_of(view: View, match: Match) -> EnquiryHit:
    """What is shown of a record that fits so well."""
    return EnquiryHit(
        record_id=view.record_id,
        family=view.text("name.family"),
        given=view.text("name.given"),
        born=view.text("born"),
        postcode_district=_postcode_district(view),
        shielded=view.shielded,
        conflicts=view.conflicts[:MAX_CONFLICTS_OF_A_HIT],
        score_percent=round(100 * min(1.0, match.score)),
        agreement=dict(match.agreement),
    )


def _postcode_district(view: View) -> str:
    """The part of the first postcode shown that does not say which house."""
    for shown in view.at("address"):
        if isinstance(shown.value, dict) and isinstance(
            postcode := shown.value.get("postcode"), str
        ):
            return postcode.partition(" ")[0]
    return ""
