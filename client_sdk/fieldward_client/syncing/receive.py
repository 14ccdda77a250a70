"""The way down: the lease, and the distribution that takes effect with one rename (design §6)."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from functools import partial

from fieldward_client.copies.hand_over import HAND_OVER, StoredHandOver, check_hand_over
from fieldward_client.copies.holdings import Holdings
from fieldward_client.copies.partition import Partition
from fieldward_client.copies.store import (
    Store,
    StoredDistribution,
    check_distribution,
    distribution_file,
)
from fieldward_client.enrolled.installation import Installation
from fieldward_client.enrolled.practitioner import Practitioner
from fieldward_client.syncing.renewal import not_renewed
from fieldward_client.wire.patience import Patience
from fieldward_client.wire.report import Progress, SyncProgress
from fieldward_sync.distribution import Distribution, FileCheck, FileEntry, Manifest
from fieldward_sync.errors import Error, PeerBrokeProtocol
from fieldward_sync.messages import HandOver, SyncAnswer
from fieldward_sync.signing import Signed


class Reception:
    """What one sync brings to an unlocked device."""

    def __init__(
        self,
        installation: Installation,
        practitioner: Practitioner,
        tell: Progress,
        patience: Patience,
    ) -> None:
        self._here = installation
        self._practitioner = practitioner
        self._tell = tell
        self._patience = patience
        self.fault: Error | None = None
        self.renewed = False
        self.updated: list[str] = []
        self.lost: list[str] = []
        self.on_line_now: list[str] = []
        self.bytes_fetched = 0
        self._bytes_wanted = 0
        self._bytes_here: dict[str, int] = {}

    def run(self, answer: SyncAnswer, server_time: int) -> None:
        """Take lease and distribution, and let go of what is no longer needed.

        Raises ``AccessClosed`` if nothing can be read even now, ``RetryLater`` if a file did not
        come, and ``PeerBrokeProtocol`` for what is not as signed; the store then is as before.
        """
        if answer.lease is not None:
            self._practitioner.accept(answer.lease, answer.warm_keys)
            self.renewed = True
        if answer.lease_refused:
            self.fault = not_renewed(answer.lease_refused)
        holdings = self._practitioner.holdings()
        entropy = self._here.entropy
        self._practitioner.notices.take(answer.notices, holdings.store_key, entropy=entropy)
        if answer.distribution is not None:
            self._apply(holdings.store, answer.distribution, server_time)
        elif holdings.store.distribution is not None:
            self._fetch_missing(holdings.store, holdings.store.distribution)
        if answer.hand_over is not None:
            self._keep(answer.hand_over, server_time)
        self._practitioner.forget_needless_keys()
        self._here.erase_unlisted_files()
        self._prune(holdings)

    def _apply(self, store: Store, signed: Signed, server_time: int) -> None:
        here, practitioner = self._here, self._practitioner.id
        stored = StoredDistribution(here.contact.trust, signed)
        distribution = check_distribution(stored, here.identity, practitioner)
        distribution.require_successor_of(
            store.distribution, now=server_time, numbers_bind=self._numbers_bind()
        )
        before = store.distribution.manifests if store.distribution else ()
        prepared = self._prepare(store, distribution, before)
        here.folder.store(distribution_file(practitioner), stored)
        store.replace(distribution, prepared)
        kept = {each.partition for each in distribution.manifests}
        on_line = {each.partition for each in distribution.on_line}
        self.updated += (each.title for each in distribution.manifests if each not in before)
        gone = [each for each in before if each.partition not in kept]
        self.lost += (each.title for each in gone if each.partition not in on_line)
        self.on_line_now += (each.title for each in gone if each.partition in on_line)

    def _numbers_bind(self) -> bool:
        """Whether the list in force was signed with a key that is trusted still."""
        here, name = self._here, distribution_file(self._practitioner.id)
        stored = here.folder.load(name, StoredDistribution)
        if stored is None:
            return True
        return here.identity.open_trust(stored.trust).answer_key == here.trust.answer_key

    def _keep(self, hand_over: HandOver, server_time: int) -> None:
        """Keep what the next practitioner's code opens here (P6), once all its files are here. They
        need not be the present one's: what is in them is for the next to see."""
        here = self._here
        stored = StoredHandOver(here.contact.trust, hand_over)
        waits = check_hand_over(stored, here.identity)
        waits.distribution.require_successor_of(None, now=server_time)
        manifests = waits.distribution.manifests
        self._want(manifests)
        for entry in (entry for manifest in manifests for entry in manifest.files):
            if not here.files.has(entry):
                self._fetch_one(entry, partial(FileCheck, entry))
        here.folder.store(HAND_OVER, stored)

    def _prepare(
        self, store: Store, distribution: Distribution, before: Collection[Manifest]
    ) -> dict[str, Partition]:
        """Bring the files that are not here, and open each partition that is not as before. What
        is as before is opened when it is asked for. A partition whose keys did not come is shut
        until they do: the rest, and what it is to lose, does not wait for it."""
        manifests = [each for each in distribution.manifests if store.opens(each, distribution)]
        self._want(manifests)
        changed = [manifest for manifest in manifests if manifest not in before]
        records, total = 0, sum(manifest.records for manifest in changed)
        prepared = {}
        for manifest in manifests:
            come = self._fetch(store, manifest)
            if manifest in changed:
                prepared[manifest.partition] = self._open(store, manifest, come)
                records += manifest.records
                self._tell(SyncProgress("open", records, total))
        return prepared

    def _open(self, store: Store, manifest: Manifest, come: Mapping[str, bytes]) -> Partition:
        """Open a partition of the next state; if it is not as signed, fetch it again, once."""
        try:
            return store.prepare(manifest, come)
        except PeerBrokeProtocol:
            again = {e.name: self._fetch_one(e, partial(store.opener, e)) for e in manifest.files}
            return store.prepare(manifest, again)

    def _fetch_missing(self, store: Store, held: Distribution) -> None:
        """Bring what was put aside as damaged, and that whose keys have come only now."""
        self._want(store.granted())
        come = {manifest: self._fetch(store, manifest) for manifest in store.granted()}
        prepared = {m.partition: self._open(store, m, files) for m, files in come.items() if files}
        store.replace(held, prepared)

    def _want(self, manifests: Iterable[Manifest]) -> None:
        """Count what is to come, before any of it does."""
        files = self._here.files
        missing = {e.name: e for m in manifests for e in m.files if not files.has(e)}
        self._bytes_wanted = sum(entry.sealed_bytes for entry in missing.values())
        self._bytes_here = dict.fromkeys(missing, 0)

    def _fetch(self, store: Store, manifest: Manifest) -> dict[str, bytes]:
        """Bring a partition's files that are not here; their bodies by name."""
        missing = [entry for entry in manifest.files if not self._here.files.has(entry)]
        return {e.name: self._fetch_one(e, partial(store.opener, e)) for e in missing}

    def _fetch_one(self, entry: FileEntry, begin: Callable[[], FileCheck]) -> bytes:
        if entry.name not in self._bytes_here:  # it is here, and comes again
            self._bytes_wanted += entry.sealed_bytes

        def arrived(count: int, here: int) -> None:
            self.bytes_fetched += count
            self._bytes_here[entry.name] = here
            done = sum(self._bytes_here.values())
            self._tell(SyncProgress("fetch", done, self._bytes_wanted))

        here = self._here
        come = self._patience.until_let_in(
            lambda: here.files.fetch(entry, here.line.transport, begin=begin, arrived=arrived)
        )
        self._practitioner.holdings()  # the copy may have closed while the file came
        return come

    def _prune(self, holdings: Holdings) -> None:
        contact = self._here.contact
        self._here.outbox.prune(holdings.done(), kept_until=contact.kept_until)
        self._here.journal.prune(
            contact.journal_covered, (contact.journal_next, contact.journal_epoch)
        )
