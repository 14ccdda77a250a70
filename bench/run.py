"""One run: its sizes, and the parts that several groups of rows measure, each made when needed."""

from __future__ import annotations

from contextlib import ExitStack
from functools import cached_property
from pathlib import Path

from bench.scale import Scale
from bench.stage import CASELOAD_TEAM, Children, Stage, staged
from bench.timing import timed
from postgres import Cluster, fresh_database, postgres_cluster

CASELOAD, WHOLE = "caseload", "whole"


class Run:
    """Makes stages on demand; their servers and databases end with ``resources``."""

    def __init__(self, scale: Scale, folder: Path, resources: ExitStack) -> None:
        self.scale = scale
        self.folder = folder
        self._resources = resources

    @cached_property
    def children(self) -> Children:
        """All records there are; the first are the large partition's."""
        return Children.made(self.scale.many, caseload=self.scale.caseload)

    @cached_property
    def large(self) -> Stage:
        """On SQLite: the large partition and a caseload in it, both sealed."""
        stage = self._resources.enter_context(staged(self.folder / "large"))
        stage.load_lines(self.children.lines[: self.scale.records])
        stage.partition(CASELOAD, f"team:{CASELOAD_TEAM}")
        stage.seal()
        stage.partition(WHOLE, "all")
        if stage.stored_partition(WHOLE).records != self.scale.records:
            raise RuntimeError("the large partition does not hold what was loaded")
        with timed() as took:
            stage.seal()
        stage.image_seconds = took.seconds
        return stage

    def new_postgres_url(self) -> str:
        """An empty database, another one each time."""
        return self._resources.enter_context(fresh_database(self._postgres))

    def empty_stage(self, name: str, *, on_postgres: bool) -> Stage:
        """A stage without records."""
        url = self.new_postgres_url() if on_postgres else None
        return self._resources.enter_context(staged(self.folder / name, url))

    @cached_property
    def _postgres(self) -> Cluster:
        """A server whose commits are durable."""
        return self._resources.enter_context(postgres_cluster(durable=True))
