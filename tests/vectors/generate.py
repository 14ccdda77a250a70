"""Write every file of vectors: ``python tests/vectors/generate.py``.

With ``--record`` first draw the encapsulations anew that HPKE needs; then all that rests on them
changes.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

if __name__ == "__main__":
    sys.path[0] = str(Path(__file__).parents[1])

from second_implementation.keys import HybridKey, encapsulate
from vectors.cases import RECORDED, secret
from vectors.files import TOPICS

RECIPIENTS = ("edit key", "audit key", "practitioner's key", "enquiry's answer key")


def record() -> None:
    """Draw one encapsulation for each recipient."""
    encapsulated = {
        secret(name).hex(): encapsulate(
            HybridKey.of(secret(name)).public, secret(f"ephemeral of the {name}")
        )[1].hex()
        for name in RECIPIENTS
    }
    source = (
        "ML-KEM-768 encapsulations with their X25519 ephemeral keys, by the seed of the recipient,"
        " drawn once with cryptography: the one thing the generator cannot make again"
    )
    RECORDED.write_text(
        json.dumps({"source": source, "encapsulated": encapsulated}, indent=1) + "\n"
    )


def main() -> None:
    """Write the files."""
    if "--record" in sys.argv:
        record()
    for topic in TOPICS:
        topic.path.write_text(topic.text())


if __name__ == "__main__":
    main()
