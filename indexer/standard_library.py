"""The documentation of the installed Python's standard library: real text on every machine.

Docstrings are read from the source by parsing it, nothing of it is run. What is written in
C has no source: it is inspected in a fixed list of modules that are imported without effect.
"""

import ast
import builtins
import importlib
import inspect
import platform
import sys
import sysconfig
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

from indexer.draft import Draft

_SKIPPED = frozenset(
    {
        "antigravity",
        "distutils",
        "genericpath",
        "ntpath",
        "ensurepip",
        "idlelib",
        "lib2to3",
        "pydoc_data",
        "test",
        "this",
    }
    | {"tests", "turtledemo", "venv", "__main__", "encodings", "site-packages"}
)
_COMPILED = (
    *("array", "atexit", "binascii", "builtins", "bz2", "cmath", "collections", "contextvars"),
    *("csv", "datetime", "decimal", "errno", "fcntl", "functools", "gc", "grp", "hashlib", "io"),
    *("itertools", "lzma", "marshal", "math", "mmap", "operator", "os", "pwd", "pyexpat", "queue"),
    *("random", "resource", "select", "signal", "socket", "sqlite3", "ssl", "struct", "sys"),
    *("syslog", "termios", "threading", "time", "types", "unicodedata", "weakref", "zlib"),
)
_RENAMED = {"posixpath": "os.path"}
_SHORTEST_CHARACTERS = 24
_LONGEST_SIGNATURE = 80
_PAGES = frozenset(
    {"collections.abc", "concurrent.futures", "importlib.metadata", "importlib.resources"}
    | {"logging.config", "logging.handlers", "multiprocessing.shared_memory", "os.path"}
    | {"unittest.mock", "html.entities", "html.parser", "http.client", "http.cookiejar"}
    | {"http.cookies", "http.server", "urllib.error", "urllib.parse", "urllib.request"}
    | {"urllib.robotparser", "xml.dom", "xml.dom.minidom", "xml.dom.pulldom", "xml.sax"}
    | {"xml.etree.elementtree", "xml.sax.handler", "xml.sax.saxutils", "xmlrpc.client"}
    | {"xmlrpc.server", "tkinter.ttk", "curses.panel", "curses.textpad", "email.message"}
    | {"email.parser", "email.generator", "email.policy", "email.header", "email.charset"}
    | {"email.utils", "email.errors", "email.headerregistry", "email.contentmanager"}
)


@dataclass(frozen=True, slots=True)
class _Item:
    """One documented thing; ``name`` is its dotted path within the module, "" the module."""

    module: str
    name: str
    kind: str
    signature: str
    documentation: str


def standard_library_drafts() -> list[Draft]:
    """Modules, classes, functions and methods with their docstrings, by id.

    Ids are dotted names ("json.dumps"), titles carry the signature; metadata holds
    ``module``, ``package``, ``kind`` (module, class, exception, function, method or
    property), ``lines`` and ``python``. The same installation gives the same documents.
    """
    found: dict[str, Draft] = {}
    for item in (*_source_items(), *_compiled_items()):
        draft = _draft(item)
        if len(draft.text) >= _SHORTEST_CHARACTERS:
            found.setdefault(draft.id, draft)
    return [found[identifier] for identifier in sorted(found)]


def _draft(item: _Item) -> Draft:
    identifier = _identifier(item)
    text = inspect.cleandoc(item.documentation)
    major, minor, _ = platform.python_version_tuple()
    return Draft(
        id=identifier,
        text=text,
        title=identifier + item.signature,
        url=_url(item, f"{major}.{minor}"),
        language="en",
        metadata={
            "module": item.module,
            "package": item.module.partition(".")[0],
            "kind": item.kind,
            "lines": text.count("\n") + 1,
            "python": f"{major}.{minor}",
        },
    )


def _identifier(item: _Item) -> str:
    """The dotted name as it is written in code: built-ins go without their module."""
    if not item.name:
        return item.module
    return item.name if item.module == "builtins" else f"{item.module}.{item.name}"


def _url(item: _Item, version: str) -> str:
    """The page of the library reference where the thing should stand."""
    base = f"https://docs.python.org/{version}/library"
    if item.module == "builtins":
        page = {"function": "functions", "exception": "exceptions"}.get(item.kind, "stdtypes")
        return f"{base}/{page}.html" + (f"#{item.name}" if item.name else "")
    page = item.module.lower()
    if "." in page and page not in _PAGES:
        page = page.partition(".")[0]
    anchor = f"{item.module}.{item.name}" if item.name else f"module-{item.module}"
    return f"{base}/{page}.html#{anchor}"


def _source_items() -> Iterator[_Item]:
    root = Path(sysconfig.get_path("stdlib"))
    for path in sorted(root.rglob("*.py")):
        parts = path.relative_to(root).with_suffix("").parts
        if parts[-1] == "__init__":
            parts = parts[:-1]
        if not parts or parts[0] not in sys.stdlib_module_names:
            continue
        if any(part.startswith("_") or part in _SKIPPED for part in parts):
            continue
        yield from _parsed(".".join(parts), path)


def _public(module: str) -> str:
    """The module that users import a name from, where it is defined in another."""
    return "asyncio" if module.startswith("asyncio.") else _RENAMED.get(module, module)


def _parsed(module: str, path: Path) -> Iterator[_Item]:
    try:
        tree = ast.parse(path.read_bytes())
    except (OSError, SyntaxError, ValueError):
        return  # a distribution's odd file: templates, bad encodings kept for tests
    documentation = ast.get_docstring(tree, clean=False)
    if documentation:
        yield _Item(_RENAMED.get(module, module), "", "module", "", documentation)
    yield from _members(_public(module), "", tree.body)


def _members(module: str, prefix: str, body: list[ast.stmt]) -> Iterator[_Item]:
    for node in body:
        match node:
            case ast.ClassDef(name=name) if not name.startswith("_"):
                documentation = ast.get_docstring(node, clean=False)
                if documentation:
                    bases = [ast.unparse(base) for base in node.bases]
                    kind = "exception" if _is_exception(name, bases) else "class"
                    yield _Item(module, prefix + name, kind, "", documentation)
                yield from _members(module, f"{prefix}{name}.", node.body)
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name):
                documentation = ast.get_docstring(node, clean=False)
                if documentation and not name.startswith("_"):
                    kind = _function_kind(node, in_class=bool(prefix))
                    signature = "" if kind == "property" else _signature(node, bool(prefix))
                    yield _Item(module, prefix + name, kind, signature, documentation)
            case ast.If() | ast.Try():
                # Definitions that depend on the platform; the first that is met counts.
                yield from _members(module, prefix, node.body)
                yield from _members(module, prefix, node.orelse)


def _is_exception(name: str, bases: list[str]) -> bool:
    return any(word.endswith(("Error", "Exception", "Warning")) for word in (name, *bases) if bases)


def _function_kind(node: ast.FunctionDef | ast.AsyncFunctionDef, *, in_class: bool) -> str:
    decorators = {ast.unparse(decorator).rpartition(".")[2] for decorator in node.decorator_list}
    if decorators & {"property", "cached_property", "setter"}:
        return "property"
    return "method" if in_class else "function"


def _signature(node: ast.FunctionDef | ast.AsyncFunctionDef, in_class: bool) -> str:
    arguments = node.args
    for argument in (*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs):
        argument.annotation = None
    for starred in (arguments.vararg, arguments.kwarg):
        if starred is not None:
            starred.annotation = None
    shown = ast.unparse(arguments)
    if in_class:
        shown = shown.removeprefix("self").removeprefix("cls").removeprefix(", ")
    return _shortened(f"({shown})")


def _shortened(signature: str) -> str:
    if len(signature) <= _LONGEST_SIGNATURE:
        return signature
    kept = signature[:_LONGEST_SIGNATURE].rpartition(", ")[0]
    return f"{kept}, …)" if kept else "(…)"


def _compiled_items() -> Iterator[_Item]:
    for name in _COMPILED:
        try:
            module = importlib.import_module(name)
        except ImportError:
            continue  # not built on this platform
        if module.__doc__:
            yield _Item(name, "", "module", "", module.__doc__)
        yield from _inspected(module)


def _inspected(module: ModuleType) -> Iterator[_Item]:
    """Classes and functions of a module that are written in C."""
    name = module.__name__
    for member_name, member in sorted(vars(module).items()):
        if member_name.startswith("_"):
            continue
        if inspect.isclass(member) and _is_compiled(member, module):
            kind = "exception" if issubclass(member, BaseException) else "class"
            yield from _documented(name, member_name, kind, member)
            for attribute_name, attribute in sorted(vars(member).items()):
                if not attribute_name.startswith("_"):
                    yield from _attribute(name, f"{member_name}.{attribute_name}", attribute)
        elif inspect.isbuiltin(member) and member.__name__ == member_name:
            yield from _documented(name, member_name, "function", member)


def _is_compiled(member: type, module: ModuleType) -> bool:
    """Whether a class is of the module or of its C half, and not one of Python's own."""
    home = member.__module__
    if home == "builtins":
        return module is builtins
    return home.lstrip("_") in {module.__name__, f"{module.__name__}_"} or home == module.__name__


def _attribute(module: str, name: str, attribute: object) -> Iterator[_Item]:
    if inspect.ismethoddescriptor(attribute) or isinstance(attribute, classmethod | staticmethod):
        yield from _documented(module, name, "method", attribute)
    elif inspect.isgetsetdescriptor(attribute) or inspect.ismemberdescriptor(attribute):
        yield from _documented(module, name, "property", attribute)


def _documented(module: str, name: str, kind: str, member: object) -> Iterator[_Item]:
    documentation = getattr(member, "__doc__", None)
    if not isinstance(documentation, str) or not documentation.strip():
        return
    signature = ""
    if kind in {"function", "method"}:
        text = getattr(member, "__text_signature__", None)
        signature = _shortened(_cleaned(text)) if isinstance(text, str) else "(…)"
    yield _Item(module, name, kind, signature, documentation)


def _cleaned(signature: str) -> str:
    """A text signature without the markers of Argument Clinic ($self, /)."""
    inner = signature.strip()[1:-1].removeprefix("$self").removeprefix("$module")
    inner = inner.removeprefix("$type").removeprefix(", ").removeprefix("/").removeprefix(", ")
    return f"({inner})"
