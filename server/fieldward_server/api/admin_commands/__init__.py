"""Every command of administrators, and the service that carries it out.

The table is all there is: addresses, checks, descriptions and the tests of each come from it. There
is a module for each group of commands, called as in ``fieldward_server.cli``.
"""

from __future__ import annotations

from fieldward_server.api.admin_commands import (
    administrator,
    authority,
    conflicts,
    device,
    disputes,
    grant,
    inbox,
    journal,
    partition,
    practitioner,
    record_merging,
    record_splitting,
    record_transfers,
    records,
    shield,
)

COMMANDS = {
    **authority.COMMANDS,
    **administrator.COMMANDS,
    **practitioner.COMMANDS,
    **partition.COMMANDS,
    **grant.COMMANDS,
    **device.COMMANDS,
    **shield.COMMANDS,
    **records.COMMANDS,
    **record_merging.COMMANDS,
    **record_splitting.COMMANDS,
    **record_transfers.COMMANDS,
    **conflicts.COMMANDS,
    **disputes.COMMANDS,
    **inbox.COMMANDS,
    **journal.COMMANDS,
}
"""Name to command: ``<group>/<verb>``, which is also its address."""
