"""What the service tells by itself: deliveries in, typed events out, and nothing lost in between.

A webhook makes a campaign better informed, never right; that none came proves nothing.
"""

from keebai_async.lazy_names import lazily

with lazily(globals()):
    from keebai_async.model.fates import Fate as Fate
    from keebai_async.webhooks.aiohttp_handler import webhook_handler as webhook_handler
    from keebai_async.webhooks.asgi import WebhookApp as WebhookApp
    from keebai_async.webhooks.events import AnyWebhookEvent as AnyWebhookEvent
    from keebai_async.webhooks.events import BroadcastCompleted as BroadcastCompleted
    from keebai_async.webhooks.events import ChannelChanged as ChannelChanged
    from keebai_async.webhooks.events import DeliveryError as DeliveryError
    from keebai_async.webhooks.events import MessageDelivered as MessageDelivered
    from keebai_async.webhooks.events import MessageEvent as MessageEvent
    from keebai_async.webhooks.events import MessageFailed as MessageFailed
    from keebai_async.webhooks.events import MessageRead as MessageRead
    from keebai_async.webhooks.events import MessageReceived as MessageReceived
    from keebai_async.webhooks.events import MessageSent as MessageSent
    from keebai_async.webhooks.events import MessageStatus as MessageStatus
    from keebai_async.webhooks.events import OtherEvent as OtherEvent
    from keebai_async.webhooks.events import Preference as Preference
    from keebai_async.webhooks.events import PreferencesChanged as PreferencesChanged
    from keebai_async.webhooks.events import TemplateChanged as TemplateChanged
    from keebai_async.webhooks.events import WebhookEvent as WebhookEvent
    from keebai_async.webhooks.reading import read_event as read_event
    from keebai_async.webhooks.receiver import WebhookAnswer as WebhookAnswer
    from keebai_async.webhooks.receiver import WebhookReceiver as WebhookReceiver
    from keebai_async.webhooks.recorder import FateRecorder as FateRecorder
    from keebai_async.webhooks.recorder import record_fates as record_fates
    from keebai_async.webhooks.signature import SigningSecret as SigningSecret
    from keebai_async.webhooks.signature import WebhookSecrets as WebhookSecrets
    from keebai_async.webhooks.signature import signature_header as signature_header
    from keebai_async.webhooks.spool import Spool as Spool
    from keebai_async.webhooks.spool import Spooled as Spooled
    from keebai_async.webhooks.stop_words import RESUME_WORDS as RESUME_WORDS
    from keebai_async.webhooks.stop_words import STOP_BUTTONS as STOP_BUTTONS
    from keebai_async.webhooks.stop_words import STOP_WORDS as STOP_WORDS
    from keebai_async.webhooks.stop_words import StopWords as StopWords
    from keebai_async.webhooks.verifier import RefusedDelivery as RefusedDelivery
    from keebai_async.webhooks.verifier import SharedHeader as SharedHeader
    from keebai_async.webhooks.verifier import receive as receive
    from keebai_async.webhooks.verifier import verify as verify
