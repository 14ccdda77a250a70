"""Letting a restored database serve: a new incarnation, and what the backup must not undo (§8).

For one authority it is one transaction: either nothing has happened, or all of it. Until then every
call for the authority is answered with ``restore-unfinished``.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Sequence

import msgspec

from fieldward_server.register_entries import (
    AccessChange,
    AdministratorRemoved,
    Begun,
    CapChange,
    Enrolment,
    Entry,
    GrantChange,
    HandOverPrepared,
    Joined,
    KeysRenewed,
    RulesChange,
    Shield,
    SuspensionChange,
    WayChange,
    WipeOrder,
    WipeReceipt,
    WipeWithdrawn,
    Withdrawal,
)
from fieldward_server.services.custody.devices import known_device, move_to
from fieldward_server.services.custody.enrolment import enter
from fieldward_server.services.custody.hand_overs import await_practitioner
from fieldward_server.services.custody.joining import has_joined, let_in
from fieldward_server.services.custody.wipes import begin_wipe, end_wipe
from fieldward_server.services.distribution.partition_keys import begin_epoch
from fieldward_server.services.distribution.rescoping import rescope
from fieldward_server.services.distribution.ways import hold
from fieldward_server.services.exchange.order_intake import close_order
from fieldward_server.services.platform import Platform
from fieldward_server.services.records.book import Book
from fieldward_server.services.records.known_records import KnownRecord
from fieldward_server.services.succession import follow
from fieldward_server.services.upkeep.transfer_restoration import hold_transfers, shields_elsewhere
from fieldward_server.storage import (
    Transaction,
    administrators,
    authorities,
    devices,
    events,
    grants,
    holders,
    incarnations,
    invitations,
    orders,
    partitions,
    practitioners,
)
from fieldward_server.storage.authorities import Authority
from fieldward_server.storage.devices import Device
from fieldward_server.storage.practitioners import Practitioner
from fieldward_sync.access import MOVES, UNDER_WIPE, Access, WipeState
from fieldward_sync.encoding import pack, unpack
from fieldward_sync.errors import CallerMistake
from fieldward_sync.limits import RAISED, RELEASED
from fieldward_sync.messages import Trust
from fieldward_sync.projection import SHIELD, is_raised, is_shielded
from fieldward_sync.records import Change
from fieldward_sync.signing import Signed, public_key, sign, signing_key
from fieldward_sync.versions import Dot
from fieldward_sync.ways import Way


def unfinished(platform: Platform) -> tuple[str, ...]:
    """The authorities that came from a backup and do not serve yet, by code."""
    with platform.storage.reading() as transaction:
        return tuple(
            code
            for code in authorities.codes(transaction)
            if code not in authorities.serving(transaction)
        )


def root_keys(platform: Platform) -> dict[str, bytes]:
    """The public root key of each authority, empty of one that was never founded."""
    with platform.storage.reading() as transaction:
        return {code: _find(transaction, code).root_key for code in authorities.codes(transaction)}


def stop_serving(platform: Platform) -> None:
    """Nothing is served from here on: the database was brought back by other means than ours."""
    with platform.storage.transaction() as transaction:
        incarnations.stop_serving(transaction)


def begin_serving(
    platform: Platform,
    *,
    authority: str,
    root_seed: bytes | None,
    register: Sequence[Entry],
    actor: str,
    now: int,
) -> int:
    """Raise a restored authority's incarnation, make the register hold, and let it serve; the
    incarnation. One that serves already stays as it is.

    ``root_seed`` signs the new trust; ``None`` for an authority that was never founded, which
    nobody trusts yet. ``CallerMistake("not-the-key")`` for another authority's.
    """
    own = [entry for entry in register if entry.authority == authority]
    with platform.storage.transaction() as transaction:
        authorities.lock(transaction, authority)
        row = _find(transaction, authority)
        if row.is_serving:
            return row.incarnation
        row = _raise_incarnation(platform, transaction, row, root_seed, own, now=now)
        _lengthen_leases(platform, transaction, authority, now=now)  # of who has ended since, too
        _hold_enrolments(transaction, own)  # before these get the numbers of this incarnation
        _lengthen_leases(platform, transaction, authority, now=now)
        _hold_grants(transaction, own, now=now)  # before anything is hidden from who may have it
        hold_transfers(platform, transaction, row, register, now=now)
        incarnations.begin(transaction, authority, row.incarnation, at=now)
        incarnations.unpublish(transaction, authority, file_epochs=pack(()))
        for partition in partitions.of_authority(transaction, authority):
            begin_epoch(platform, transaction, partition)
        book = Book(platform, transaction, _find(transaction, authority), now=now)
        replaced = _hold_shields(book, [*own, *shields_elsewhere(register, authority)])
        _hold_withdrawals(book, own)
        book.write()
        if replaced:
            platform.shield_register.append(*replaced)
        _hold_rules(platform, transaction, own, now=now)
        _hold_ways(platform, transaction, own)
        _hold_suspensions(transaction, own, now=now)
        _hold_devices(platform, transaction, row, own, now=now)
        _hold_administrators(transaction, own, now=now)
        incarnations.serve(transaction, authority, row.incarnation)
        events.add(
            transaction,
            authority=authority,
            at=now,
            actor=actor,
            action="restored",
            subject=f"incarnation {row.incarnation}",
            reason="restore",
        )
    return row.incarnation


def _find(transaction: Transaction, authority: str) -> Authority:
    row = authorities.find(transaction, authority)
    if row is None:
        raise CallerMistake("unknown-authority", f"There is no authority {authority[:16]!r} here.")
    return row


def _raise_incarnation(
    platform: Platform,
    transaction: Transaction,
    row: Authority,
    root_seed: bytes | None,
    register: Sequence[Entry],
    *,
    now: int,
) -> Authority:
    row = _hold_keys(platform, transaction, row, register)
    begun = [entry for entry in register if isinstance(entry, Begun)]
    versions = [entry.trust_version for entry in register if isinstance(entry, Begun | KeysRenewed)]
    incarnation = 1 + max([row.incarnation, *(entry.incarnation for entry in begun)])
    version = 1 + max([row.trust_version, *versions])
    trust = _new_trust(row, root_seed, incarnation=incarnation, version=version, now=now)
    platform.shield_register.append(Begun(row.authority, incarnation, version))
    authorities.set_trust(
        transaction,
        row.authority,
        incarnation=incarnation,
        trust=trust,
        trust_version=version if trust else 0,
    )
    return _find(transaction, row.authority)


def _hold_keys(
    platform: Platform, transaction: Transaction, row: Authority, register: Iterable[Entry]
) -> Authority:
    """The keys that were renewed since the backup are in force again: edits are sealed to them.

    Of several entries with one version the last counts: those before it never came into force.
    """
    renewed = {entry.trust_version: entry for entry in register if isinstance(entry, KeysRenewed)}
    for version in sorted(renewed):
        if version > row.trust_version:
            follow(platform, transaction, row, renewed[version])
            row = _find(transaction, row.authority)
    return row


def _new_trust(
    row: Authority, root_seed: bytes | None, *, incarnation: int, version: int, now: int
) -> bytes:
    """The same keys in a new incarnation. Only the root key can say so; the answer key stays, so
    that devices can verify the answer that brings them the news."""
    if not row.is_founded:
        return b""
    if root_seed is None or public_key(signing_key(root_seed)) != row.root_key:
        raise CallerMistake("not-the-key", f"This is not the root key of {row.authority}.")
    before = unpack(Signed, row.trust).open(Trust, row.root_key)
    trust = Trust(
        authority=before.authority,
        incarnation=incarnation,
        version=version,
        issued=now,
        answer_key=before.answer_key,
        edit_key=before.edit_key,
        audit_key=before.audit_key,
    )
    return pack(sign(trust, signing_key(root_seed)))


def _hold_shields(book: Book, register: Iterable[Entry]) -> tuple[Shield, ...]:
    """A record with a raise that no release names is shielded, whichever host's entries come
    first. One that the backup lacks is shielded before it is loaded again.

    One raise takes the place of all that the backup lacks, should they be delivered again or not:
    who releases it has released them. It names also those whose place the raise of an earlier
    restore took, for that raise may be lacking too. What the register has to say of that.
    """
    raised, released = defaultdict[str, set[Dot]](set), defaultdict[str, set[Dot]](set)
    for entry in register:
        if isinstance(entry, Shield):
            (raised if entry.raised else released)[entry.record_id].update(entry.dots)
    concerned = sorted(raised.keys() | released.keys())
    book.read(concerned)
    replaced: list[Shield] = []
    for record_id in concerned:
        known = book.find(record_id) or KnownRecord.new(record_id)
        if known.departed_from is not None:
            continue  # shown to nobody here; whoever has it holds its shields
        holding = raised[record_id] - released[record_id]
        here = known.record.edits.keys()
        if holding - here or (holding and not is_shielded(known.record)):
            lacking = tuple(sorted(raised[record_id] - here))
            raising = _accept(book, known, Change(SHIELD, RAISED, lacking))
            replaced.append(Shield(book.authority, record_id, True, (raising,)))
            replaced.append(Shield(book.authority, record_id, False, lacking))
        elif not holding and known.numbers and (held := _unreleased(known, released[record_id])):
            # Also raises that are not here: they may be delivered again.
            _accept(book, known, Change(SHIELD, RELEASED, held))
    return tuple(replaced)


def _hold_withdrawals(book: Book, register: Iterable[Entry]) -> None:
    """Consent that was withdrawn stays so: nothing releases it yet. That a record has such a path
    is enough, should the backup lack the record."""
    for entry in register:
        if isinstance(entry, Withdrawal):
            known = book.find(entry.record_id) or KnownRecord.new(entry.record_id)
            if known.departed_from is None and not is_raised(known.record, entry.path):
                _accept(book, known, Change(entry.path, RAISED))


def _accept(book: Book, known: KnownRecord, change: Change) -> Dot:
    accepted = book.accept_as_server(known, [change], administrator=None, basis="restore")
    return accepted.dot


def _unreleased(known: KnownRecord, dots: Iterable[Dot]) -> tuple[Dot, ...]:
    """What was released, as far as no release in this database says so."""
    released = {
        dot
        for edit in known.record.edits.values()
        for change in edit.changes
        if change.path == SHIELD
        for dot in change.replaces
    }
    return tuple(sorted(set(dots) - released))


def _lengthen_leases(
    platform: Platform, transaction: Transaction, authority: str, *, now: int
) -> None:
    """Whoever may have been given a lease since the backup counts as having been given one now."""
    terms = platform.lease_terms
    holders.lengthen_leases(
        transaction,
        authority,
        closes=now + terms.closes_seconds,
        destroys=now + terms.destroys_seconds,
    )


_COMING = (Enrolment, HandOverPrepared, Joined)
"""In which order people come."""


def _hold_enrolments(transaction: Transaction, register: Iterable[Entry]) -> None:
    """Devices enrolled since are known again, with their people; what they held, as far as there is
    such a partition.

    Who joined comes after all devices and whatever was handed over to them, and keys after those
    they replaced: a device may have been enrolled with another host.
    """
    came = [entry for entry in register if isinstance(entry, _COMING)]
    for entry in sorted(came, key=lambda it: (_COMING.index(type(it)), it.generation, it.at)):
        if not _may_come(transaction, entry):
            continue
        code = entry.authority
        if practitioners.find(transaction, code, entry.practitioner) is None:
            person = msgspec.structs.asdict(entry.person)
            practitioners.put(transaction, Practitioner(code, entry.practitioner, **person))
        there = (p for p in entry.partitions if partitions.find(transaction, code, p) is not None)
        held = msgspec.structs.replace(entry, partitions=tuple(there))
        match held:
            case Enrolment():
                enter(transaction, held)
            case HandOverPrepared():
                device = known_device(transaction, code, held.device, held.generation)
                await_practitioner(transaction, held, device)
            case Joined():
                let_in(transaction, held)


def _may_come(transaction: Transaction, entry: Enrolment | HandOverPrepared | Joined) -> bool:
    """Whether an entry has something to say that the database does not know. Nobody joins a device
    that was enrolled with another host, whose register was not given."""
    device = entry.authority, entry.device, entry.generation
    known = devices.find(transaction, *device)
    if known is None or isinstance(entry, Enrolment):
        return known is None and isinstance(entry, Enrolment)
    if isinstance(entry, HandOverPrepared):
        holder = holders.find(transaction, *device, entry.practitioner)
        has_come = holder is not None and not holder.is_awaited  # the used code may be forgotten
        return not has_come and invitations.find(transaction, entry.invitation_id) is None
    return not has_joined(transaction, entry)


def _hold_grants(transaction: Transaction, register: Iterable[Entry], *, now: int) -> None:
    """Each device that there is may hold what was last said of it, and so many records."""
    for entry in register:
        match entry:
            case GrantChange():
                _hold_grant(transaction, entry, now=now)
            case CapChange():
                device = devices.find(transaction, entry.authority, entry.device, entry.generation)
                if device is not None:
                    devices.set_record_cap(transaction, device, entry.record_cap)


def _hold_rules(
    platform: Platform, transaction: Transaction, register: Iterable[Entry], *, now: int
) -> None:
    """Each partition that there is has the records that the last word on its rules gave it."""
    last = {entry.partition: entry for entry in register if isinstance(entry, RulesChange)}
    for entry in last.values():
        if partitions.find(transaction, entry.authority, entry.partition) is not None:
            rescope(platform, transaction, entry.authority, entry.partition, entry.rules, now=now)


def _hold_ways(platform: Platform, transaction: Transaction, register: Iterable[Entry]) -> None:
    """Each partition that there is is held as was last said of it."""
    last = {entry.partition: entry for entry in register if isinstance(entry, WayChange)}
    for entry in last.values():
        found = partitions.find(transaction, entry.authority, entry.partition)
        if found is not None and found.way != entry.way:
            hold(platform, transaction, entry.authority, entry.partition, Way(entry.way))


def _hold_suspensions(transaction: Transaction, register: Iterable[Entry], *, now: int) -> None:
    """Each practitioner that there is is suspended, or not, as was last said of them (A4)."""
    last = {entry.practitioner: entry for entry in register if isinstance(entry, SuspensionChange)}
    for entry in last.values():
        found = practitioners.find(transaction, entry.authority, entry.practitioner)
        if found is not None and bool(found.suspended_at) is not entry.suspended:
            practitioners.suspend(transaction, found, at=now if entry.suspended else 0)


def _hold_devices(
    platform: Platform,
    transaction: Transaction,
    row: Authority,
    register: Iterable[Entry],
    *,
    now: int,
) -> None:
    """Each device may do what it last was allowed to, and each wipe stands."""
    for (name, generation), access in _last_access(register).items():
        device = devices.find(transaction, row.authority, name, generation)
        if device is not None and access in MOVES[Access(device.access)]:
            move_to(platform, transaction, row, device, access, now=now)
    _hold_wipes(platform, transaction, row, register, now=now)
    for entry in register:
        if isinstance(entry, WipeReceipt):
            device = devices.find(transaction, entry.authority, entry.device, entry.generation)
            if device is not None:  # not enrolled with another host, whose register was not given
                _hold_receipt(transaction, device, entry.receipt, now=now)


def _hold_wipes(
    platform: Platform,
    transaction: Transaction,
    row: Authority,
    register: Iterable[Entry],
    *,
    now: int,
) -> None:
    """A wipe stands unless its last order was withdrawn, whichever host's entries come first and
    however often one came; and it stands if it was obeyed all the same."""
    last: dict[tuple[str, int], tuple[float, bool]] = {}
    word: tuple[float, bool]
    for entry in register:
        match entry:
            case WipeOrder():
                word = entry.number, False
            case WipeWithdrawn():
                word = entry.number, True
            case WipeReceipt():
                word = math.inf, False
            case _:
                continue
        whose = entry.device, entry.generation
        last[whose] = max(last.get(whose, word), word)
    for (name, generation), (_, is_withdrawn) in last.items():
        device = devices.find(transaction, row.authority, name, generation)
        if device is None:  # enrolled with another host, whose register was not given
            continue
        state = WipeState(device.wipe)
        if is_withdrawn and state is WipeState.ORDERED:
            end_wipe(transaction, device, now=now)
        elif not is_withdrawn and state not in UNDER_WIPE:
            begin_wipe(platform, transaction, row, device, now=now)


def _last_access(register: Iterable[Entry]) -> dict[tuple[str, int], Access]:
    """The last word on each device's access, by device and generation, where there is one.

    Only this is said to a device: what came before, it was told at the time.
    """
    last: dict[tuple[str, int], Access] = {}
    for entry in register:
        match entry:
            case AccessChange():
                device = entry.device, entry.generation
                if last.get(device) is not Access.REVOKED:  # another host may say what was before
                    last[device] = Access(entry.access)
            case Enrolment():  # of a next generation ends the reading of the one before
                earlier = entry.device, entry.generation - 1
                if last.get(earlier) is Access.ACTIVE:
                    last[earlier] = Access.DRAINING
    return last


def _hold_administrators(transaction: Transaction, register: Iterable[Entry], *, now: int) -> None:
    """Whoever was removed stays so, even if nobody is left: the host lets somebody in again."""
    for entry in register:
        if isinstance(entry, AdministratorRemoved):
            found = administrators.find(transaction, entry.authority, entry.administrator)
            if found is not None and found.removed_at is None:
                administrators.remove(transaction, found, at=now)


def _hold_receipt(transaction: Transaction, device: Device, receipt: Signed, *, now: int) -> None:
    """A device that has wiped itself may be gone: nobody else can say again that it has."""
    for order in orders.open_orders(
        transaction, device.authority, device.device, device.generation
    ):
        if order.kind == "wipe":
            close_order(transaction, device, order, receipt, now=now)


def _hold_grant(transaction: Transaction, entry: GrantChange, *, now: int) -> None:
    holder = holders.find(
        transaction, entry.authority, entry.device, entry.generation, entry.practitioner
    )
    known = partitions.find(transaction, entry.authority, entry.partition)
    if holder is None or known is None:
        return
    change = grants.give if entry.given else grants.take
    change(transaction, holder, entry.partition, at=now)
    holders.set_changed_state(
        transaction, holder, authorities.next_state(transaction, entry.authority)
    )
