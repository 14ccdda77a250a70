"""The numbers that pages have in their sentences are those of the code."""

from __future__ import annotations

from pathlib import Path

import pytest

from fieldward_client.enrolled.installation import LOCK_AFTER_SECONDS
from fieldward_client.keys.attempts import LAST_ATTEMPT, WAIT_WITHOUT_LEASE, WAITS
from fieldward_client.keys.passphrases import UNLOCK_SECONDS
from fieldward_client.terminal.header import LITTLE_ROOM_BYTES
from fieldward_client.wire.patience import PATIENCE_SECONDS
from fieldward_server.api.device_api import PIECE_BYTES
from fieldward_server.cli.administrator_key import MIN_PASSPHRASE_CHARACTERS
from fieldward_server.jobs import LONGEST_RUN_SECONDS
from fieldward_server.services.custody.invitations import MAX_VALID_SECONDS
from fieldward_server.services.custody.wipes import ALONE, HOUR_SECONDS, WAITS_SECONDS
from fieldward_server.services.distribution.absence import MARGIN_SECONDS
from fieldward_server.services.distribution.holdings import DEFAULT_CAP
from fieldward_server.services.distribution.key_epochs import KEY_EPOCH_SECONDS
from fieldward_server.services.distribution.rebuilding import (
    FILES_OF_A_PARTITION,
    REMOVAL_SECONDS,
    SEGMENT_SHARE,
)
from fieldward_server.services.records.likenesses import PROBABLE_BITS
from fieldward_server.workers import STALL_SECONDS
from fieldward_sync.clock import TOLERATED_COLD_STARTS
from fieldward_sync.invitations import HAND_OVER_SECRET_BYTES
from fieldward_sync.keys import ARGON2_FLOOR
from fieldward_sync.leases import LeaseTerms
from fieldward_sync.limits import MAX_MEMBERS
from fieldward_sync.matching.ranking import MAX_HITS
from fieldward_sync.records import MAX_CHANGES_IN_A_PROPOSAL
from fieldward_sync.spoken import GROUP_CHARACTERS, group_count
from fieldward_sync.time_codes import CHALLENGE_BYTES, CODE_BYTES, VALID_SECONDS

DOCS = Path(__file__).parents[2] / "docs"
MINUTE, HOUR, DAY = 60, 3600, 24 * 3600
MB = 10**6
WORD = {3: "three", 4: "four", 5: "five", 20: "twenty"}
BEFORE = {20: "nineteen"}
PLACE = {5: "fifth", 6: "sixth", 10: "tenth"}
TERMS = LeaseTerms()
CODE_GROUPS = group_count(CODE_BYTES)

SENTENCES = {
    "threat-model.md": [
        f"Argon2id, {ARGON2_FLOOR.memory_kib // 1024} MiB, {WORD[ARGON2_FLOOR.iterations]} passes",
        f"at the second deadline ({TERMS.destroys_seconds // DAY} days by default)",
        f"erases the lease with the {PLACE[LAST_ATTEMPT]} wrong passphrase",
        f"{WORD[TOLERATED_COLD_STARTS]} starts without contact close it",
        f"has {BEFORE[TOLERATED_COLD_STARTS]} starts",
        f"({DEFAULT_CAP:,} records, each counted once",
        f"**look-ups** ({TERMS.look_ups} until it",
        f"cost one look-up for each {WORD[MAX_HITS]} children",
        f"{HAND_OVER_SECRET_BYTES * 8} bits, so that a copy",
        f"confirm the {PLACE[ALONE + 1]} wipe within an hour",
    ],
    "sdk.md": [
        f"unused for {LOCK_AFTER_SECONDS // MINUTE} minutes the device locks itself",
        f"after the {PLACE[min(WAITS)]} in a row one waits",
        f"the {PLACE[LAST_ATTEMPT]} erases the lease",
        f"{CODE_GROUPS} groups of {WORD[GROUP_CHARACTERS]} characters",
        f"({PATIENCE_SECONDS // MINUTE} minutes; 0: not at all)",
        f"{TERMS.look_ups} unless the server says otherwise",
        f"best first, at most {MAX_HITS}, with",
        f"one more for each further {WORD[MAX_HITS]} children",
        f"all or none, {MAX_CHANGES_IN_A_PROPOSAL} at most",
        f"below some {LITTLE_ROOM_BYTES // MB} MB",
    ],
    "operations.md": [
        f"a passphrase of at least {MIN_PASSPHRASE_CHARACTERS} characters",
        f"**More than {WORD[ALONE]} devices within an hour**",
        f"the {PLACE[ALONE + 1]} `device wipe` waits a day",
        f"**A device holds at most {DEFAULT_CAP:,} records**",
        f"A record keeps {MAX_MEMBERS['disputes']} disputes",
        f"{PIECE_BYTES // 1024} KiB within {STALL_SECONDS} seconds",
        f"by itself after {KEY_EPOCH_SECONDS // DAY} days",
        f"it was started {WORD[TOLERATED_COLD_STARTS]} times without contact",
        f"{WORD[group_count(CHALLENGE_BYTES)]} groups of {WORD[GROUP_CHARACTERS]} characters",
        f"prints {CODE_GROUPS} groups",
        f"lease ends with these hours, at most {MAX_VALID_SECONDS // DAY} days on",
        f"within its interval and {LONGEST_RUN_SECONDS // MINUTE} minutes",
        f"at [{PROBABLE_BITS} bits](matching.md#second-entries)",
    ],
    "matching.md": [f"agrees by **{PROBABLE_BITS} bits** or more"],
    "bounds.md": [
        f"(`FILES_OF_A_PARTITION` = {FILES_OF_A_PARTITION})",
        f"(`SEGMENT_SHARE` = {SEGMENT_SHARE})",
        f"`REMOVAL_SECONDS` ({REMOVAL_SECONDS // HOUR} hours)",
        f"`MARGIN_SECONDS` ({MARGIN_SECONDS // HOUR} hours)",
    ],
}


@pytest.mark.parametrize(
    ("page", "words"), [(page, each) for page, said in SENTENCES.items() for each in said]
)
def test_a_number_in_a_sentence_is_the_one_in_the_code(page: str, words: str) -> None:
    assert words in " ".join((DOCS / page).read_text().split())


def test_what_pages_have_in_words_alone_is_so() -> None:
    assert UNLOCK_SECONDS == 0.5, "threat-model.md: a guess takes half a second"
    assert WAIT_WITHOUT_LEASE == HOUR, "threat-model.md: one attempt an hour"
    assert (HOUR_SECONDS, WAITS_SECONDS) == (HOUR, DAY), "operations.md: the sixth waits a day"
    assert VALID_SECONDS == HOUR, "sdk.md, operations.md: within the hour"
