"""The Whautomate API, one module per resource; the client is `keebai_async.Whautomate`."""

from keebai_async.lazy_names import lazily

with lazily(globals()):
    from keebai_async.whautomate.broadcasts import WhautomateBroadcasts as WhautomateBroadcasts
    from keebai_async.whautomate.client import Whautomate as Whautomate
    from keebai_async.whautomate.draft import DraftFields as DraftFields
    from keebai_async.whautomate.log_summary import Failures as Failures
    from keebai_async.whautomate.log_summary import LoggedMessage as LoggedMessage
    from keebai_async.whautomate.log_summary import LogSummary as LogSummary
    from keebai_async.whautomate.messages import WhautomateMessages as WhautomateMessages
    from keebai_async.whautomate.models import Broadcast as Broadcast
    from keebai_async.whautomate.models import Criteria as Criteria
    from keebai_async.whautomate.models import DeliveryStats as DeliveryStats
    from keebai_async.whautomate.models import FlowParameters as FlowParameters
    from keebai_async.whautomate.models import LocationParameters as LocationParameters
    from keebai_async.whautomate.models import LogRow as LogRow
    from keebai_async.whautomate.models import PrimaryLocation as PrimaryLocation
    from keebai_async.whautomate.models import ProcessedStats as ProcessedStats
    from keebai_async.whautomate.models import Reference as Reference
    from keebai_async.whautomate.models import Segment as Segment
    from keebai_async.whautomate.models import SentTemplate as SentTemplate
    from keebai_async.whautomate.models import TemplateName as TemplateName
    from keebai_async.whautomate.models import moment as moment
    from keebai_async.whautomate.naming import marked as marked
    from keebai_async.whautomate.segments import WhautomateSegments as WhautomateSegments
