"""Invitation codes and the proof that an enrolment brings."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterator

from second_implementation.encoding import pack
from second_implementation.invitations import Code, check, make, spell
from second_implementation.keys import derive
from vectors.cases import Case, Topic, refused, secret, valid
from vectors.outcomes import Outcome
from vectors.topics.world import (
    AUTHORITY,
    DEVICE,
    GENERATION,
    IDENTITY_KEY,
    PRACTITIONER,
    ROOT_KEY,
    SIGNING_KEY,
)


def _cases() -> Iterator[Case]:
    code_secret = secret("code", 11)
    fingerprint = hashlib.sha256(ROOT_KEY).digest()[:16]
    code = make(code_secret, fingerprint)
    carried = Code(code_secret, fingerprint)
    says = {
        "secret": code_secret,
        "root_key": ROOT_KEY,
        "root_fingerprint": fingerprint,
        "invitation_id": carried.invitation_id,
        "proof_key": carried.proof_key,
    }
    statement = pack(
        (carried.invitation_id, IDENTITY_KEY, SIGNING_KEY, secret("journal"), "file", "Tablet 7")
    )
    yield valid(
        "printed",
        "as it is printed",
        code=code,
        **says,
        statement=statement,
        proof=hmac.digest(carried.proof_key, statement, "sha256"),
    )
    yield valid("lower-case", "in lower case", code=code.lower(), **says)
    yield valid("blanks", "with blanks for hyphens", code=code.replace("-", "  "), **says)
    ones = make(bytes(11), bytes(16))
    yield valid(
        "look-alikes",
        "O for 0, I and L for 1",
        code=ones.replace("0", "O").replace("1", "I"),
        secret=bytes(11),
        root_fingerprint=bytes(16),
    )
    long_secret = secret("hand-over code", 16)
    hands_over = Code(long_secret, fingerprint[:11])
    yield valid(
        "hand-over",
        "one for a hand-over: a longer secret, less of the fingerprint",
        code=make(*hands_over),
        secret=long_secret,
        root_key=ROOT_KEY,
        root_fingerprint=hands_over.fingerprint,
        invitation_id=hands_over.invitation_id,
        proof_key=hands_over.proof_key,
        seed=derive(long_secret, "hand-over", AUTHORITY, DEVICE, GENERATION, PRACTITIONER),
        held_by=[AUTHORITY, DEVICE, GENERATION, PRACTITIONER],
    )
    other_version = b"\x03" + code_secret + fingerprint
    middle, after = code[8], code[9]
    another = "A" if middle != "A" else "B"
    for name, why, text in (
        ("one-wrong", "one character is another", code[:8] + another + code[9:]),
        (
            "two-swapped",
            "two characters have changed places",
            code[:8] + after + middle + code[10:],
        ),
        ("short", "one character too few", code[:-1]),
        ("long", "one character too many", code + "0"),
        ("letter-u", "a letter that does not occur", "U" + code[1:]),
        ("version-3", "another version", spell(other_version + check(other_version))),
        ("empty", "nothing", ""),
    ):
        yield refused(name, why, Outcome.CODE_MISTYPED, code=text)


TOPIC = Topic("invitations", "base 32 digit by digit, HKDF and HMAC with hmac by hand", _cases)
