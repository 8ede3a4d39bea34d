"""Messages of user errors, read from the code: every ``InputError`` with the text that it is given.

The source is parsed and not run. A value that is put into a message stays as a :class:`Blank`.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeAlias

ERROR = "InputError"
WRITTEN = {"__name__": "type", "name": "", "id": ""}
"""Attributes that do not name a value -> its name in their place; that of what they belong to if empty."""
MARKS = (ast.operator, ast.expr_context, ast.Constant, ast.cmpop, ast.boolop, ast.unaryop)
"""Nodes without a name."""
Scope: TypeAlias = Mapping[str, ast.expr]


@dataclass(frozen=True)
class Blank:
    """A value in a message.

    Attributes:
        name: what stands for it, such as "path".
    """

    name: str


Template: TypeAlias = tuple[str | Blank, ...]
"""A message: texts and the values between them."""


@dataclass(frozen=True)
class Message:
    """One message of the code.

    Attributes:
        file: path below the folder that was read, with slashes.
        template: its text.
    """

    file: str
    template: Template


@dataclass(frozen=True)
class Templates:
    """Reads templates from expressions.

    Attributes:
        scope: names that stand for an expression, of the module and of the function around the message.
        functions: functions that return a text by name.
    """

    scope: Scope = field(default_factory=dict)
    functions: Mapping[str, ast.FunctionDef] = field(default_factory=dict)

    def of(self, node: ast.expr) -> list[Template]:
        """The templates of an expression: several if it is a choice."""
        if isinstance(node, ast.Constant):
            return [(str(node.value),)]
        if isinstance(node, ast.IfExp):
            return [*self.of(node.body), *self.of(node.orelse)]
        if isinstance(node, ast.JoinedStr):
            return self.joined(node.values)
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
            return self.joined([node.left, node.right])
        if isinstance(node, ast.FormattedValue):
            return self.blank(node.value)
        if isinstance(node, ast.Name) and node.id in self.scope:
            return self.without(node.id).of(self.scope[node.id])
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in self.functions:
            return self.called(self.functions[node.func.id], node)
        return self.blank(node)

    def joined(self, parts: Sequence[ast.expr]) -> list[Template]:
        """The templates of parts in a row: every combination of their choices."""
        found: list[Template] = [()]
        for part in parts:
            found = [before + after for before in found for after in self.of(part)]
        return [merged(template) for template in found]

    def blank(self, node: ast.expr) -> list[Template]:
        """A value; a name or a choice that stands for texts alone is these texts."""
        if isinstance(node, ast.Constant):
            return [(str(node.value),)]
        if isinstance(node, ast.Name) and isinstance(self.scope.get(node.id), ast.Constant | ast.IfExp):
            found = self.without(node.id).of(self.scope[node.id])
        elif isinstance(node, ast.IfExp):
            found = self.of(node)
        else:
            found = []
        texts = all(isinstance(part, str) for template in found for part in template)
        return found if found and texts else [(Blank(name_of(node)),)]

    def called(self, function: ast.FunctionDef, call: ast.Call) -> list[Template]:
        """The templates of a function that returns a text, with the arguments of a call in their places."""
        names = [argument.arg for argument in function.args.args]
        given = dict(zip(names, call.args, strict=False))
        inside = Templates({}, {})
        found: list[Template] = []
        for node in ast.walk(function):
            if isinstance(node, ast.Return) and node.value is not None:
                found += inside.of(node.value)
        return [merged(part for each in template for part in self.filled(each, given)) for template in found]

    def filled(self, part: str | Blank, given: Scope) -> Template:
        """A part of a template, with the argument of its name in its place if that is a text."""
        if isinstance(part, Blank) and part.name in given:
            return self.of(given[part.name])[0]
        return (part,)

    def without(self, name: str) -> Templates:
        """The same without a name, which may be defined by itself."""
        return Templates({key: value for key, value in self.scope.items() if key != name}, self.functions)


def name_of(node: ast.AST) -> str:
    """A name for a value: the last name that is written in it, such as ``path`` of ``path.name``."""
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute):
        return WRITTEN.get(node.attr) or name_of(node.value) if node.attr in WRITTEN else node.attr
    if isinstance(node, ast.Call):
        return name_of_call(node)
    if isinstance(node, ast.Subscript):
        key = node.slice.value if isinstance(node.slice, ast.Constant) else None
        return key if isinstance(key, str) else name_of(node.value)
    if isinstance(node, ast.Starred):
        return name_of(node.value)
    return next((name_of(each) for each in ast.iter_child_nodes(node) if not is_mark(each)), "value")


def name_of_call(call: ast.Call) -> str:
    """A name for what a call returns: ``names`` for ``", ".join(names)``, ``name`` for ``name.lower()``."""
    if isinstance(call.func, ast.Attribute):
        if call.func.attr == "join" and call.args:
            return name_of(call.args[0])
        return name_of(call.func.value) if not is_mark(call.func.value) else call.func.attr
    return name_of(call.args[0]) if call.args else name_of(call.func)


def is_mark(node: ast.AST) -> bool:
    """Whether a node has no name: an operator, a context or a constant."""
    return isinstance(node, MARKS)


def merged(parts: Iterator[str | Blank] | Template) -> Template:
    """A template with neighbouring texts in one."""
    found: list[str | Blank] = []
    for part in parts:
        if isinstance(part, str) and found and isinstance(found[-1], str):
            found[-1] += part
        else:
            found.append(part)
    return tuple(found)


def assignments(body: Sequence[ast.stmt], *, deep: bool) -> dict[str, ast.expr]:
    """The names that are assigned exactly once, and what they are assigned.

    Args:
        body: statements.
        deep: whether statements inside of these count too.
    """
    nodes = [node for each in body for node in (ast.walk(each) if deep else (each,))]
    found: dict[str, list[ast.expr]] = {}
    for node in nodes:
        if isinstance(node, ast.Assign):
            for target in node.targets:
                for name in ast.walk(target):
                    if isinstance(name, ast.Name):
                        plain = isinstance(target, ast.Name)
                        found.setdefault(name.id, []).extend([node.value] if plain else [node.value] * 2)
    return {name: values[0] for name, values in found.items() if len(values) == 1}


def messages_of(text: str, file: str, functions: Mapping[str, ast.FunctionDef]) -> Iterator[Message]:
    """The messages of a module, in order.

    Args:
        text: its source.
        file: its path, for the messages.
        functions: functions of other modules that return a text.
    """
    tree = ast.parse(text)
    module = assignments(tree.body, deep=False)
    for around, call in errors(tree, None):
        local = assignments(around.body, deep=True) if around is not None else {}
        reader = Templates(module | local, functions)
        if call.args:
            for template in reader.of(call.args[0]):
                yield Message(file, template)


def errors(
    node: ast.AST, around: ast.FunctionDef | None
) -> Iterator[tuple[ast.FunctionDef | None, ast.Call]]:
    """Every call of ``InputError`` below a node, with the function around it."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.Call) and isinstance(child.func, ast.Name) and child.func.id == ERROR:
            yield around, child
        yield from errors(child, child if isinstance(child, ast.FunctionDef) else around)


def text_functions(text: str) -> dict[str, ast.FunctionDef]:
    """The functions of a module that return a text by name, as their annotations say."""
    return {
        node.name: node
        for node in ast.parse(text).body
        if isinstance(node, ast.FunctionDef)
        and isinstance(node.returns, ast.Name)
        and node.returns.id == "str"
    }


def all_messages(root: Path) -> list[Message]:
    """The messages of every module below a folder, each text once a file, in order of files.

    Args:
        root: a package, such as src/seac.
    """
    functions = text_functions((root / "core/errors.py").read_text(encoding="utf-8"))
    found: dict[Message, None] = {}
    for path in sorted(root.rglob("*.py"), key=lambda each: each.relative_to(root).as_posix()):
        file = path.relative_to(root).as_posix()
        text = path.read_text(encoding="utf-8")
        found.update(dict.fromkeys(messages_of(text, file, functions)))
    return list(found)
