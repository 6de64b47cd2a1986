"""The public names of a package as plain import statements, each done when its name is first used.

    with lazily(globals()):
        from keebai_async.client import Keebai as Keebai

Inside the block an import is only noted; its module is loaded when the name is first used. Editors, type
checkers, linters and programs that freeze an application read plain imports. The limits: only
`from ... import` is noted, and Python's `__import__` is replaced while the block runs, so put nothing but
such lines there. Imports of other modules, also in other threads, are left as they are.

`__all__`, `__dir__` and `__getattr__` of the package follow from the block.

The usual way writes each name twice, in an import under TYPE_CHECKING and in a table for `__getattr__`, and
needs a test that both agree, for every package. What is replaced here is replaced for the few microseconds of
the block, and for this package's own statements alone.
"""

import builtins
from _thread import allocate_lock  # as functools does: threading would be the dearest thing imported here
from importlib import import_module

_one_block = allocate_lock()


class _Home:
    """Where a name is, for as long as nobody asked for it."""

    __slots__ = ("module", "name")

    def __init__(self, module: str, name: str) -> None:
        self.module = module
        self.name = name

    def value(self) -> object:
        return getattr(import_module(self.module), self.name)


class _Noted:
    """Stands for a module in an import statement that is only noted."""

    __slots__ = ("_module",)

    def __init__(self, module: str) -> None:
        self._module = module

    def __getattr__(self, name: str) -> _Home:
        return _Home(self._module, name)


class lazily:  # noqa: N801  (it is read as a word: "with lazily")
    """Inside `with`, the imports of the package whose `globals()` these are happen later, if ever.

    Imports of other modules, in other threads meanwhile, are left as they are.
    """

    def __init__(self, package: dict[str, object]) -> None:
        self._package = package

    def __enter__(self) -> None:
        _one_block.acquire()
        self._import = builtins.__import__

        def note(
            name: str,
            globals: dict[str, object] | None = None,  # noqa: A002  (Python's own name for it)
            locals: dict[str, object] | None = None,  # noqa: A002
            fromlist: tuple[str, ...] | None = (),
            level: int = 0,
        ) -> object:
            if globals is self._package and fromlist:
                return _Noted(name)
            return self._import(name, globals, locals, fromlist or (), level)

        builtins.__import__ = note  # type: ignore[assignment]  # it gives no module

    def __exit__(self, *_: object) -> None:
        builtins.__import__ = self._import
        _one_block.release()
        package = self._package
        homes = {name: home for name, home in package.items() if isinstance(home, _Home)}
        for name in homes:
            del package[name]

        def find(name: str) -> object:
            if name not in homes:
                raise AttributeError(f"module {package['__name__']!r} has no attribute {name!r}")
            value = package[name] = homes[name].value()
            return value

        package["__getattr__"] = find
        package["__dir__"] = lambda: sorted({*package, *homes})
        package["__all__"] = sorted(homes)


class LazyModule:
    """Stands for the module *name* until something of it is asked for.

    Annotations name what is too dear to import for them; who resolves them (`typing.get_type_hints`) gets
    the real thing, and pays for it.
    """

    def __init__(self, name: str) -> None:
        self._name = name

    def __getattr__(self, name: str) -> object:
        return getattr(import_module(self._name), name)
