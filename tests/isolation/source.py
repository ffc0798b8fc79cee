"""What the source says: which functions a request can reach, and the SQL they run.

Found in the syntax trees, so nothing has to be run for it. Where a call's target cannot be known
(`shop.feed.line`), every method of that name counts: too much is reached rather than too little.
"""

from __future__ import annotations

import ast
import importlib
import re
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import safelight

ROOT = Path(safelight.__file__).parent
# `where.copy()`, `process.start()`: Python's own, where nobody says that it is one of ours.
_OF_PYTHON = {name for kind in (dict, list, set, str, bytes) for name in dir(kind)} | {"start"}
_ASKS = {"fetch", "fetchrow", "fetchval", "execute", "executemany", "cursor"}


@dataclass(frozen=True)
class Statement:
    """One call that sends SQL. place: "jobs/repository.py:read". told: the source of its values;
    None after a `*`, where they cannot be counted any more. typed: parameters of the function with
    their annotations."""

    place: str
    sql: str
    told: tuple[str | None, ...]
    typed: dict[str, str]


@dataclass
class Module:
    name: str  # jobs.repository
    tree: ast.Module

    @property
    def path(self) -> str:
        return self.name.replace(".", "/") + ".py"

    @cached_property
    def imported(self) -> dict[str, tuple[str, str | None]]:
        """Local name: (module, name in it; None for the module itself), ours only."""
        found: dict[str, tuple[str, str | None]] = {}
        for node in ast.walk(self.tree):
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("safelight"):
                package = str(node.module).removeprefix("safelight").lstrip(".")
                for alias in node.names:
                    inner = f"{package}.{alias.name}".lstrip(".")
                    name = alias.asname or alias.name
                    found[name] = (inner, None) if _is_module(inner) else (package, alias.name)
        return found

    @cached_property
    def nodes(self) -> dict[str, ast.AST]:
        """Functions, methods ("Class.method"), and what is assigned at the top."""
        found: dict[str, ast.AST] = {}
        for node in self.tree.body:
            match node:
                case ast.FunctionDef() | ast.AsyncFunctionDef():
                    found[node.name] = node
                case ast.ClassDef():
                    for part in node.body:
                        if isinstance(part, ast.FunctionDef | ast.AsyncFunctionDef):
                            found[f"{node.name}.{part.name}"] = part
                case ast.Assign():
                    for target in node.targets:
                        if isinstance(target, ast.Name):
                            found[target.id] = node.value
                case ast.AnnAssign(target=ast.Name(id=name), value=ast.AST() as value):
                    found[name] = value
        return found


def _is_module(name: str) -> bool:
    path = ROOT / Path(*name.split("."))
    return path.with_suffix(".py").exists() or path.is_dir()


class Source:
    """All modules of the package."""

    def __init__(self, root: Path = ROOT) -> None:
        self.modules = {
            name: Module(name, ast.parse(path.read_text()))
            for path in sorted(root.rglob("*.py"))
            if "static" not in path.parts
            for name in [".".join(path.relative_to(root).with_suffix("").parts)]
        }
        self._methods: dict[str, list[tuple[str, str]]] = defaultdict(list)
        for module in self.modules.values():
            for name in module.nodes:
                if "." in name:
                    self._methods[name.partition(".")[2]].append((module.name, name))

    def routes(self) -> Iterator[tuple[str, str, bool]]:
        """(module, function, whether it is for administrators alone) of every route."""
        for module in self.modules.values():
            for name, node in module.nodes.items():
                if isinstance(node, ast.AsyncFunctionDef) and any(
                    re.match(r"\w+\.(get|post|put|patch|delete)\(", ast.unparse(one))
                    for one in node.decorator_list
                ):
                    yield module.name, name, "AdminDep" in ast.unparse(node.args)

    def reached(self, roots: set[tuple[str, str]]) -> set[tuple[str, str]]:
        """The functions that may run when these do, these included."""
        seen, left = set(roots), list(roots)
        while left:
            for target in self._targets(*left.pop()):
                if target not in seen:
                    seen.add(target)
                    left.append(target)
        return seen

    def _targets(self, module_name: str, name: str) -> Iterator[tuple[str, str]]:
        module = self.modules[module_name]
        node = module.nodes[name]
        owner = name.partition(".")[0] if "." in name else None
        if owner and f"{owner}.__init__" in module.nodes:
            yield module_name, f"{owner}.__init__"
        called = {id(part.func) for part in ast.walk(node) if isinstance(part, ast.Call)}
        for part in ast.walk(node):
            match part:
                case ast.Name(id=known):
                    yield from self._named(module, known)
                case ast.Attribute(value=ast.Name(id=base), attr=attr) if (
                    base in module.imported and module.imported[base][1] is None
                ):
                    other = self.modules.get(module.imported[base][0])
                    if other and attr in other.nodes:
                        yield other.name, attr
                    elif other:
                        yield from self._named(other, attr)
                case ast.Attribute(value=ast.Name(id="self"), attr=attr) if (
                    owner and f"{owner}.{attr}" in module.nodes
                ):
                    yield module_name, f"{owner}.{attr}"
                case ast.Attribute(value=holder, attr=attr) if id(part) in called:
                    kinds = self._kinds(holder)
                    yield from (
                        method
                        for method in self._methods.get(attr, ())
                        if not attr.startswith("__")
                        if (kinds is None and attr not in _OF_PYTHON)
                        or method[1].partition(".")[0] in (kinds or ())
                    )

    def _kinds(self, holder: ast.expr) -> set[str] | None:
        """The classes that `….feed` may be, going by its name; None where nothing says so."""
        if not isinstance(holder, ast.Attribute):
            return None
        return self._kept.get(holder.attr)

    @cached_property
    def _kept(self) -> dict[str, set[str]]:
        """Words in the types of attributes, by the attribute's name, all classes together; without
        those that are somewhere kept without a type."""
        found: dict[str, set[str]] = defaultdict(set)
        unknown: set[str] = set()
        for module in self.modules.values():
            for part in ast.walk(module.tree):
                if not isinstance(part, ast.ClassDef):
                    continue
                typed = {
                    one.arg: one.annotation
                    for init in part.body
                    if isinstance(init, ast.FunctionDef) and init.name == "__init__"
                    for one in [*init.args.args, *init.args.kwonlyargs]
                }
                for inner in ast.walk(part):
                    match inner:
                        case ast.AnnAssign(
                            target=ast.Name(id=name) | ast.Attribute(attr=name), annotation=kind
                        ):
                            found[name] |= set(re.findall(r"\w+", ast.unparse(kind)))
                        case ast.Assign(targets=[ast.Attribute(attr=name)], value=value):
                            match value:
                                case ast.Name(id=given) if typed.get(given):
                                    said = ast.unparse(typed[given])  # type: ignore[arg-type]
                                case ast.Call(func=ast.Name(id=said)) if said[0].isupper():
                                    pass
                                case _:
                                    unknown.add(name)
                                    continue
                            found[name] |= set(re.findall(r"\w+", said))
        return {name: kinds for name, kinds in found.items() if name not in unknown}

    def _named(self, module: Module, name: str) -> Iterator[tuple[str, str]]:
        if name in module.nodes:
            yield module.name, name
        if f"{name}.__init__" in module.nodes:
            yield module.name, f"{name}.__init__"
        if name in module.imported:
            other_name, inner = module.imported[name]
            other = self.modules.get(other_name)
            if other and inner and other is not module:
                yield from self._named(other, inner)

    def statements(self, module_name: str, name: str) -> Iterator[Statement]:
        """The SQL that this function sends."""
        module = self.modules[module_name]
        function = module.nodes[name]
        if not isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef):
            return
        texts = _Texts(module, function)
        arguments = [*function.args.args, *function.args.kwonlyargs]
        typed = {one.arg: ast.unparse(one.annotation) for one in arguments if one.annotation}
        for part in ast.walk(function):
            if not (isinstance(part, ast.Call) and isinstance(part.func, ast.Attribute)):
                continue
            if part.func.attr in _ASKS and part.args:
                told = tuple(
                    None if isinstance(one, ast.Starred) else ast.unparse(one)
                    for one in part.args[1:]
                )
                yield Statement(f"{module.path}:{name}", texts.of(part.args[0]), told, typed)


class _Texts:
    """What an expression says as text; what is only known when it runs becomes {…}."""

    def __init__(self, module: Module, function: ast.AST) -> None:
        self._known: Any = importlib.import_module(f"safelight.{module.name}")
        self._local = {
            node.targets[0].id: node.value
            for node in ast.walk(function)
            if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name)
        }

    def of(self, node: ast.expr, depth: int = 0) -> str:  # noqa: PLR0911
        match node:
            case ast.Constant(value=str() as text):
                return text
            case ast.JoinedStr(values=parts):
                return "".join(self.of(part, depth) for part in parts)
            case ast.FormattedValue(value=inner):
                return self.of(inner, depth)
            case ast.BinOp(left=left, right=right, op=ast.Add()):
                return self.of(left, depth) + self.of(right, depth)
            case ast.IfExp(body=body, orelse=orelse):
                return self.of(body, depth) + " " + self.of(orelse, depth)
            case ast.Name(id=name) if name in self._local and depth < 5:
                return self.of(self._local[name], depth + 1)
            case ast.Name(id=name) if isinstance(text := getattr(self._known, name, None), str):
                return text
            case ast.Attribute(value=ast.Name(id=base), attr=attr) if isinstance(
                text := getattr(getattr(self._known, base, None), attr, None), str
            ):
                return text
        return "{…}"
