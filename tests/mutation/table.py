"""Which tests should notice a break in which module: the few fast files, or tests, that are about it."""

from types import MappingProxyType
from typing import Final

_LIMITS: Final = "quota/test_quota_limits.py"

MODULES: Final = MappingProxyType(
    {
        "model/lifecycle": ("campaign/test_lifecycle.py",),
        "model/lost": ("campaign/test_reconcile.py", "campaign/test_freshness.py"),
        "campaign/pace": ("campaign/test_pace.py",),
        "campaign/run_state": ("campaign/test_run_state.py",),
        "model/guard": ("campaign/test_guard.py",),
        "campaign/circuit_breaker": ("campaign/test_circuit_breaker.py",),
        "campaign/submit": (
            "campaign/test_submit.py",
            "campaign/test_freshness.py",
            "campaign/test_opted_out.py",
            "campaign/test_proof_in_a_search.py",
            "campaign/test_daily_limit.py",
            "campaign/test_timetable.py",
        ),
        "campaign/bisect": (
            "campaign/test_bisect.py",
            "campaign/test_proof_in_a_search.py",
            "campaign/test_timetable.py",
        ),
        "campaign/chunks": (
            "campaign/test_chunks.py",
            "campaign/test_late_answers.py",
            "campaign/test_proof_in_a_search.py",
        ),
        "campaign/keeping": ("campaign/test_keeping.py", "campaign/test_chunks.py"),
        "campaign/timetable": ("campaign/test_timetable.py",),
        "campaign/whole_run": ("campaign/test_whole_run.py",),
        "campaign/reconcile": ("campaign/test_reconcile.py", "campaign/test_freshness.py"),
        "quota/pause": ("quota/test_quota_pause.py",),
        "quota/window": ("quota/test_quota_window.py", "quota/test_quota_books.py"),
        "quota/limiter": (
            "quota/test_quota_patience.py",
            "quota/test_quota_limiter.py",
            "quota/test_quota_told.py",
            "quota/test_quota_prompt.py",
            f"{_LIMITS}::test_who_comes_with_more_is_told_once_and_held_to_less",
            f"{_LIMITS}::test_what_is_set_on_purpose_holds_and_who_goes_by_less_keeps_to_that_by_itself",
            f"{_LIMITS}::test_what_was_set_on_purpose_is_not_undone_by_those_who_run",
        ),
        "transport/verdict": ("transport/test_transport_verdict.py", "transport/test_transport_dialect.py"),
        "planning/dedupe": ("planning/test_planning_dedupe.py", "planning/test_planning_plan.py"),
        "planning/admission": (
            "planning/test_planning_plan.py",
            "planning/test_planning_opt_outs.py",
            "planning/test_planning_options.py",
            "planning/test_planning_numbers.py::test_people_are_counted_by_country_also_where_some_come_twice",
        ),
        "planning/dealing": ("planning/test_planning_dealing.py", "planning/test_planning_shares.py"),
        "planning/shares": ("planning/test_planning_shares.py",),
        "model/identity": ("planning/test_planning_phone.py",),
        "journal/leases": ("journal/test_journal_leases.py",),
        "journal/rules": ("journal/test_journal_rules.py",),
    }
)
