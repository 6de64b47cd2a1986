"""Which tests should notice a break in which module: the few fast files, or tests, that are about it."""

from types import MappingProxyType
from typing import Final

MODULES: Final = MappingProxyType(
    {
        "model/lifecycle": ("campaign/test_lifecycle.py",),
        "campaign/run_state": ("campaign/test_run_state.py",),
        "model/guard": ("campaign/test_guard.py",),
        "campaign/circuit_breaker": ("campaign/test_circuit_breaker.py",),
        "campaign/submit": ("campaign/test_submit.py",),
        "campaign/bisect": ("campaign/test_bisect.py",),
        "campaign/chunks": ("campaign/test_chunks.py",),
        "campaign/reconcile": ("campaign/test_reconcile.py",),
        "quota/pause": ("quota/test_quota_pause.py",),
        "quota/window": ("quota/test_quota_window.py", "quota/test_quota_books.py"),
        "quota/limiter": ("quota/test_quota_limiter.py", "quota/test_quota_told.py"),
        "transport/verdict": ("transport/test_transport_verdict.py", "transport/test_transport_dialect.py"),
        "planning/dedupe": ("planning/test_planning_dedupe.py", "planning/test_planning_plan.py"),
        "planning/admission": ("planning/test_planning_plan.py",),
        "planning/identity": ("planning/test_planning_phone.py",),
        "journal/leases": ("journal/test_journal_leases.py",),
        "journal/rules": ("journal/test_journal_contract.py",),
    }
)
