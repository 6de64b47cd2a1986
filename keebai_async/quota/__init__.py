"""Who may send now."""

from keebai_async.lazy_names import lazily

with lazily(globals()):
    from keebai_async.quota.gate import Allowance as Allowance
    from keebai_async.quota.gate import Ending as Ending
    from keebai_async.quota.gate import Gate as Gate
    from keebai_async.quota.gate import Lane as Lane
    from keebai_async.quota.gate import Place as Place
    from keebai_async.quota.limiter import Margin as Margin
    from keebai_async.quota.limiter import RateLimiter as RateLimiter
    from keebai_async.quota.limiter import Reserves as Reserves
    from keebai_async.quota.limits import Limits as Limits
    from keebai_async.quota.store import HeldPlace as HeldPlace
    from keebai_async.quota.store import Store as Store
    from keebai_async.quota.store import Word as Word
    from keebai_async.quota.stores import open_store as open_store
    from keebai_async.quota.window import LaneWindow as LaneWindow
    from keebai_async.quota.window import Quota as Quota
    from keebai_async.quota.window import Wait as Wait
