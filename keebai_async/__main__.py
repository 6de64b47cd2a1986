"""`python -m keebai_async`, and the console script `keebai-async`."""

import sys


def main() -> int:
    """Run the command line, and give its exit code."""
    try:
        import platformdirs  # noqa: F401
        import rich  # noqa: F401
        import typer  # noqa: F401
    except ModuleNotFoundError:
        print("the command needs the extra cli: pip install 'keebai-async[cli]'", file=sys.stderr)
        return 2
    from keebai_async.cli.app import run

    return run(sys.argv[1:])


if __name__ == "__main__":
    sys.exit(main())
