"""Made-up records as ordinary readers see them, without a server."""

from __future__ import annotations

from collections.abc import Mapping

from fieldward_sync.names import server_actor
from fieldward_sync.projection import project
from fieldward_sync.records import Change, Edit, Record
from fieldward_sync.schema import flatten
from fieldward_sync.versions import Dot
from fieldward_sync.views import View

_LOADED = Dot(server_actor(1), 1)


def view_of(record: Mapping[str, object]) -> View:
    """The view that a nested record has once it is loaded. Checks nothing: ``generate`` makes what
    is sound."""
    fields = flatten(record)
    record_id = str(fields.pop("record_id"))
    del fields["authority"]
    changes = tuple(Change(path, value) for path, value in fields.items())
    edit = Edit(_LOADED, record_id, changes, practitioner=None, made_at=0)
    return project(Record(record_id, {_LOADED: edit}), {_LOADED: 1}, 1)
