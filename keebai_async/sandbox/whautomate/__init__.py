"""A Whautomate on this machine: what is documented, and switches for what is not."""

from keebai_async.sandbox.whautomate.audience import SandboxContact as SandboxContact
from keebai_async.sandbox.whautomate.server import WhautomateSandbox as WhautomateSandbox
from keebai_async.sandbox.whautomate.settings import ErrorShape as ErrorShape
