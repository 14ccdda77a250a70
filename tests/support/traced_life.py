"""A day of a device, run in a process of its own so that everything it writes can be traced.

Called with the device's folder, the server's address, an invitation code, and what to search for.
"""

from __future__ import annotations

import sys

from fieldward_client import CallerMistake, Device

PASSPHRASE = "correct horse battery staple"


def live(home: str, server_url: str, code: str, family: str, phone: str) -> None:
    """Enrol, sync, look up, write, fail, lock, come back, sync again."""
    device = Device.enrol(home, server_url, code, passphrase=PASSPHRASE)
    device.sync()
    with device.session(reason="home-visit", on_behalf_of="p-2") as session:
        for hit in session.search(family=family):
            session.open(hit.record_id).edit("involvements/a1.phone", phone)
        try:
            session.open(hit.record_id).edit("name.given", f"{phone} {family}")
        except CallerMistake as e:
            sys.stderr.write(e.diagnostics())
    device.close()
    with Device.open(home, passphrase=PASSPHRASE) as device:
        with device.session(reason="clinic") as session:
            session.search(family=family, born="2021")
        device.sync()
        device.pending()
        device.status()


if __name__ == "__main__":
    live(*sys.argv[1:])
