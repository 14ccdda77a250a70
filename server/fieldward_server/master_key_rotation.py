"""Replacing the master key, in two steps between which every server is started again.

First all keys at rest are wrapped under a new master key, with the old one still there for servers
that have not read the file again; then, once none of these is left, the old one goes. One at a time
does either: between reading the keys and replacing them another could put one in force.
"""

from __future__ import annotations

import os

from fieldward_server.assembly import assemble
from fieldward_server.config import Config
from fieldward_server.master_keys import MasterKeys
from fieldward_server.services.upkeep.rewrapping import rewrap
from fieldward_sync.errors import CallerMistake
from fieldward_sync.keys import KEY_BYTES
from fieldward_sync.sealing import Entropy


def rotate(config: Config, *, entropy: Entropy = os.urandom) -> int:
    """Put a new master key in force and wrap every key at rest under it; how many there were.

    Broken off anywhere, the same call goes on with the same new key. Raises as ``assemble``, and
    ``CallerMistake("master-key-elsewhere")`` where no new key is there yet and none can be put
    there.
    """
    source = config.master_key_source
    with source.alone():
        keys = source.read()
        if not keys.earlier:
            source.keep(keys.followed_by(entropy(KEY_BYTES)))
        return _rewrap(config, entropy=entropy)


def retire(config: Config, *, entropy: Entropy = os.urandom) -> int:
    """Forget the master keys that are not in force any more, once nothing is wrapped under them:
    those in a file of ours; others are their keeper's to remove after this.

    Whatever servers that were not started again wrapped since is wrapped anew first; what they wrap
    later is lost. ``CallerMistake("nothing-to-retire")`` where there is one master key only.
    """
    source = config.master_key_source
    with source.alone():
        keys = source.read()
        if not keys.earlier:
            raise CallerMistake(
                "nothing-to-retire",
                "There is one master key, and it is in force.",
                next_step="To replace it: `fieldward master-key rotate`.",
            )
        count = _rewrap(config, entropy=entropy)
        if source.is_ours:
            source.keep(MasterKeys(keys.in_force))
        return count


def _rewrap(config: Config, *, entropy: Entropy) -> int:
    platform = assemble(config, entropy=entropy)
    try:
        return rewrap(platform)
    finally:
        platform.storage.close()
