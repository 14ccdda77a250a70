"""Sealing to a public key."""

from __future__ import annotations

from collections.abc import Iterator

from second_implementation.keys import HybridKey, label
from vectors.cases import Case, Topic, changed, hpke_sealed, refused, secret, valid
from vectors.outcomes import Outcome
from vectors.topics.world import PRACTITIONER_HPKE_SEED


def _cases() -> Iterator[Case]:
    seed, info = PRACTITIONER_HPKE_SEED, label("lease-secrets", "E08000039", 1)
    sealed = hpke_sealed(seed, info, b"what is sealed")
    good = {"kind": "open", "seed": seed, "info": info, "sealed": sealed}
    public = HybridKey.of(seed).public
    yield valid("sealed", "opens", **good, public_key=public, opened=b"what is sealed")
    for name, why, part in (
        ("another-info", "bound to something else", {"info": label("box", "E08000039", 1)}),
        ("another-seed", "sealed to somebody else", {"seed": secret("edit key")}),
        ("mlkem-changed", "a bit of the ML-KEM ciphertext", {"sealed": changed(sealed, 0)}),
        ("x25519-changed", "a bit of the ephemeral key", {"sealed": changed(sealed, 1100)}),
        ("tag-changed", "a bit of the tag", {"sealed": changed(sealed)}),
        ("cut", "shorter than an encapsulation", {"sealed": sealed[:1000]}),
        ("empty", "nothing", {"sealed": b""}),
    ):
        yield refused(name, why, Outcome.SEAL_BROKEN, **{**good, **part})
    yield refused(
        "key-cut",
        "a public key that ends too early",
        Outcome.KEY_MALFORMED,
        kind="seal",
        public_key=public[:-1],
    )
    yield refused(
        "key-not-reduced",
        "an ML-KEM key whose coefficients are not below the modulus",
        Outcome.KEY_MALFORMED,
        kind="seal",
        public_key=b"\xff" * 1184 + public[1184:],
    )


TOPIC = Topic(
    "hpke",
    "RFC 9180's key schedule and X-Wing's combiner by hand over ML-KEM and X25519 of cryptography;"
    " encapsulations from recorded.json",
    _cases,
)
