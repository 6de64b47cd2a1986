"""Engines as bells: they say when somebody should look; the journal says at what, and its leases who."""

from keebai_async.lazy_names import lazily

with lazily(globals()):
    from keebai_async.workers.bell import CampaignsHolder as CampaignsHolder
    from keebai_async.workers.bell import OpenClient as OpenClient
