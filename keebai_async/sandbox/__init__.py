"""A Keebai on this machine that behaves, and fails, like the real one; and a Whautomate beside it."""

from keebai_async.sandbox import faults as faults
from keebai_async.sandbox.keebai.catalogue import DEFAULT_SENDERS as DEFAULT_SENDERS
from keebai_async.sandbox.keebai.catalogue import DEFAULT_TEMPLATES as DEFAULT_TEMPLATES
from keebai_async.sandbox.keebai.catalogue import DEFAULT_TOKEN as DEFAULT_TOKEN
from keebai_async.sandbox.keebai.catalogue import SandboxSender as SandboxSender
from keebai_async.sandbox.keebai.catalogue import SandboxTemplate as SandboxTemplate
from keebai_async.sandbox.keebai.catalogue import SandboxToken as SandboxToken
from keebai_async.sandbox.keebai.delivery import Order as Order
from keebai_async.sandbox.keebai.ledger import Submission as Submission
from keebai_async.sandbox.keebai.server import Sandbox as Sandbox
from keebai_async.sandbox.keebai.settings import DEFAULT_WINDOWS as DEFAULT_WINDOWS
from keebai_async.sandbox.keebai.settings import Dialect as Dialect
from keebai_async.sandbox.replies import Complaints as Complaints
from keebai_async.sandbox.replies import Envelope as Envelope
from keebai_async.sandbox.throttle import ThrottlerVersion as ThrottlerVersion
from keebai_async.sandbox.throttle import Window as Window
from keebai_async.sandbox.whautomate.server import WhautomateSandbox as WhautomateSandbox
