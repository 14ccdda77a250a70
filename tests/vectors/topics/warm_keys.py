"""Keys for a session's memory: sealed to it alone, beside one lease."""

from __future__ import annotations

from collections.abc import Iterator

from vectors.cases import Case, Topic, changed, refused, secret, valid
from vectors.outcomes import Outcome
from vectors.topics.leases import WARM_SEED, grant, lease, warm_keys
from vectors.topics.world import DIGEST_KEY, EPOCH, PARTITION, PARTITION_KEY


def _cases() -> Iterator[Case]:
    _, sealed_secrets = grant()
    good = {
        "lease": lease(sealed_secrets),
        "sealed": warm_keys(),
        "seed": WARM_SEED,
        "partition": PARTITION,
        "epoch": EPOCH,
    }
    opened = {"key": PARTITION_KEY, "digest_key": DIGEST_KEY}
    yield valid("warm", "what came beside the lease", **good, **opened)
    for name, why, code, part in (
        (
            "another-lease",
            "what came beside another lease",
            Outcome.SEAL_BROKEN,
            {"sealed": warm_keys(secret("another lease", 16))},
        ),
        (
            "another-session",
            "sealed to another session's key",
            Outcome.SEAL_BROKEN,
            {"seed": secret("another session")},
        ),
        ("changed", "a byte changed", Outcome.SEAL_BROKEN, {"sealed": changed(warm_keys())}),
        (
            "another-partition",
            "a partition that is not in it",
            Outcome.NOT_GRANTED,
            {"partition": "hv-2"},
        ),
    ):
        yield refused(name, why, code, **{**good, **part})


TOPIC = Topic("warm_keys", "documents, info and HPKE by hand", _cases)
