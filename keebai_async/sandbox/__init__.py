"""A Keebai on this machine that behaves, and fails, like the real one; and a Whautomate beside it."""

from keebai_async.sandbox import faults as faults
from keebai_async.sandbox.keebai.catalogue import DEFAULT_SENDERS as DEFAULT_SENDERS
from keebai_async.sandbox.keebai.catalogue import DEFAULT_TEMPLATES as DEFAULT_TEMPLATES
from keebai_async.sandbox.keebai.catalogue import DEFAULT_TOKEN as DEFAULT_TOKEN
from keebai_async.sandbox.keebai.catalogue import SandboxSender as SandboxSender
from keebai_async.sandbox.keebai.catalogue import SandboxTemplate as SandboxTemplate
from keebai_async.sandbox.keebai.catalogue import SandboxToken as SandboxToken
from keebai_async.sandbox.keebai.delivery import Counters as Counters
from keebai_async.sandbox.keebai.delivery import Order as Order
from keebai_async.sandbox.keebai.ledger import Ledger as Ledger
from keebai_async.sandbox.keebai.ledger import Messaged as Messaged
from keebai_async.sandbox.keebai.ledger import Submission as Submission
from keebai_async.sandbox.keebai.server import Sandbox as Sandbox
from keebai_async.sandbox.keebai.settings import DEFAULT_WINDOWS as DEFAULT_WINDOWS
from keebai_async.sandbox.keebai.settings import Dialect as Dialect
from keebai_async.sandbox.keebai.settings import SandboxOptions as SandboxOptions
from keebai_async.sandbox.keebai.settings import SandboxSettings as SandboxSettings
from keebai_async.sandbox.keebai.single_event import SINGLE_EVENTS as SINGLE_EVENTS
from keebai_async.sandbox.keebai.single_event import SignedDeliveries as SignedDeliveries
from keebai_async.sandbox.keebai.single_event import SignedDelivery as SignedDelivery
from keebai_async.sandbox.keebai.single_event import SingleEvent as SingleEvent
from keebai_async.sandbox.keebai.subscriptions import Subscription as Subscription
from keebai_async.sandbox.keebai.subscriptions import WebhookAttempt as WebhookAttempt
from keebai_async.sandbox.keebai.webhook_feed import MessageTruth as MessageTruth
from keebai_async.sandbox.keebai.webhook_switches import WebhookSwitches as WebhookSwitches
from keebai_async.sandbox.keebai.webhooks import SandboxWebhooks as SandboxWebhooks
from keebai_async.sandbox.replies import Complaints as Complaints
from keebai_async.sandbox.replies import Envelope as Envelope
from keebai_async.sandbox.replies import JsonObject as JsonObject
from keebai_async.sandbox.throttle import ThrottlerVersion as ThrottlerVersion
from keebai_async.sandbox.throttle import Window as Window
from keebai_async.sandbox.traffic import TokenTraffic as TokenTraffic
from keebai_async.sandbox.traffic import Traffic as Traffic
from keebai_async.sandbox.whautomate.audience import SandboxContact as SandboxContact
from keebai_async.sandbox.whautomate.ledger import Created as Created
from keebai_async.sandbox.whautomate.ledger import WhautomateLedger as WhautomateLedger
from keebai_async.sandbox.whautomate.server import WhautomateSandbox as WhautomateSandbox
from keebai_async.sandbox.whautomate.settings import ErrorShape as ErrorShape
from keebai_async.sandbox.whautomate.settings import WhautomateSandboxOptions as WhautomateSandboxOptions
from keebai_async.sandbox.whautomate.settings import WhautomateSandboxSettings as WhautomateSandboxSettings
from keebai_async.sandbox.whautomate.subscriptions import WhautomateSubscription as WhautomateSubscription
from keebai_async.sandbox.whautomate.webhook_switches import (
    WhautomateWebhookSwitches as WhautomateWebhookSwitches,
)
from keebai_async.sandbox.whautomate.webhooks import WhautomateSandboxWebhooks as WhautomateSandboxWebhooks
