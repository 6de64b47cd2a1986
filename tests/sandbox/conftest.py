"""The fixtures under test, found even where the package is not installed as a plugin."""

from keebai_async.testing import keebai_sandbox as keebai_sandbox
from keebai_async.testing import keebai_sandbox_factory as keebai_sandbox_factory
