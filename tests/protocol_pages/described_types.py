"""How the types of the protocol's messages are worded in its document, read from the code."""

from __future__ import annotations

import ast
import importlib
import pkgutil
import sys
from collections.abc import Iterator
from typing import Any

import msgspec

import fieldward_sync
from fieldward_sync.encoding import Message, Part

PLAIN = {"str": "text", "bytes": "bytes", "int": "integer", "bool": "boolean", "None": "nil"}


def described() -> dict[str, type[msgspec.Struct]]:
    """Everything in the protocol's package that has fields, by name."""
    for module in pkgutil.iter_modules(fieldward_sync.__path__):
        importlib.import_module(f"fieldward_sync.{module.name}")
    return {kind.__name__: kind for base in (Message, Part) for kind in _below(base)}


def fields_of(kind: type[msgspec.Struct]) -> list[tuple[str, str]]:
    """The fields of a message in their order, each with its type in words."""
    module = sys.modules[kind.__module__]
    return [
        (name, _worded(ast.parse(kind.__annotations__[name], mode="eval").body, module))
        for name in kind.__struct_fields__
    ]


def _below(kind: type[Any]) -> Iterator[type[Any]]:
    for each in kind.__subclasses__():
        if each.__module__.startswith("fieldward_sync."):
            yield each
            yield from _below(each)


def _worded(node: ast.expr, module: Any) -> str:
    match node:
        case ast.Constant(value=None):
            return "nil"
        case ast.Name(id=name) if name in PLAIN:
            return PLAIN[name]
        case ast.Name(id=name):
            return name
        case ast.BinOp(left=left, right=right):
            return f"{_worded(left, module)} or {_worded(right, module)}"
        case ast.Subscript(value=ast.Name(id="tuple"), slice=ast.Tuple(elts=[each, _])):
            return f"array of {_worded(each, module)}"
        case ast.Subscript(value=ast.Name(id="dict"), slice=ast.Tuple(elts=[key, value])):
            return f"map of {_worded(key, module)} to {_worded(value, module)}"
        case ast.Subscript(value=ast.Name(id="Literal"), slice=choice):
            chosen = choice.elts if isinstance(choice, ast.Tuple) else [choice]
            return " / ".join(f"`{ast.literal_eval(each)}`" for each in chosen)
        case ast.Subscript(value=ast.Name(id="Annotated"), slice=ast.Tuple(elts=[inner, meta])):
            bounds = eval(ast.unparse(meta), vars(module))  # the module's own words
            return f"{_worded(inner, module)} {_bounds(bounds)}"
    raise TypeError(ast.unparse(node))


def _bounds(meta: msgspec.Meta) -> str:
    if meta.pattern is not None:
        shape = meta.pattern.removeprefix(r"\A").removesuffix(r"\Z")
        return f"`{shape}`"
    low = meta.min_length if meta.min_length is not None else meta.ge
    high = meta.max_length if meta.max_length is not None else meta.le
    if low == high:
        return f"({high})"
    return f"({low if low is not None else 0}–{high})"
