"""What is left of each partition on this device: so it confirms what is hidden and gone (H7).

It is worked out from the disk each time and never remembered, so that a device that was killed at
any moment says no more than is true: a file or key is gone once its removal is durable.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from fieldward_client.enrolled.installation import Installation
from fieldward_client.enrolled.practitioner import Practitioner
from fieldward_sync.distribution import Distribution, Manifest
from fieldward_sync.messages import HeldPartition

NOT_SURE = 0


def remains(
    here: Installation, asking: Practitioner, held: Distribution | None
) -> tuple[HeldPartition, ...] | None:
    """What is left of each partition, to a practitioner who holds this; ``None`` if that cannot be
    told."""
    keys, in_doubt = asking.key_epochs(), here.has_unlisted_files()
    if keys is None or (held is None and in_doubt):
        return None
    shown = {each.partition: each for each in held.manifests} if held else {}
    names = {*shown, *keys, *(_taken_off(held) if held and in_doubt else ())}
    return tuple(
        HeldPartition(
            name,
            feed=shown[name].feed if name in shown else 0,
            oldest=NOT_SURE if in_doubt else _oldest(here, held, shown.get(name), keys.get(name)),
        )
        for name in sorted(names)
    )


def _taken_off(held: Distribution) -> Iterator[str]:
    """What was on the device and is to be there no more."""
    yield from held.lost
    yield from (each.partition for each in held.on_line)


def confirms_more(now: Iterable[HeldPartition], before: Iterable[HeldPartition]) -> bool:
    """Whether more is gone than was said before."""
    oldest = {each.partition: each.oldest for each in now}
    return any(
        each.partition not in oldest or oldest[each.partition] > each.oldest for each in before
    )


def _oldest(
    here: Installation,
    held: Distribution | None,
    manifest: Manifest | None,
    keys: frozenset[int] | None,
) -> int:
    """The feed number that every file and key is of, or of a later one."""
    if held is None or manifest is None:
        return NOT_SURE  # only keys are left of it
    if keys and min(keys) < min(entry.context.epoch for entry in manifest.files):
        return NOT_SURE
    return min(_images(manifest.partition, here.distributions(), held.incarnation))


def _images(partition: str, held: Iterable[Distribution], incarnation: int) -> Iterator[int]:
    """The feed numbers of a partition's images, of whichever practitioner on the device."""
    for each in held:
        for manifest in each.manifests:
            if manifest.partition == partition:
                (image,) = (e.context.feed_to for e in manifest.files if e.context.kind == "image")
                # Numbers of before a restore say nothing.
                yield image if each.incarnation == incarnation else NOT_SURE
