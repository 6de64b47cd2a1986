"""Which tests should notice a break in which module: the few fast files, or tests, that are about it."""

from types import MappingProxyType
from typing import Final

_LIMITS: Final = "quota/test_quota_limits.py"
_DAY: Final = "campaign/test_daily_limit.py"
_HOURS: Final = "campaign/test_timetable.py"

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
            f"{_DAY}::test_what_is_read_too_early_lets_nobody_out",
            f"{_DAY}::test_what_was_taken_back_leaves_its_room_to_others",
            f"{_DAY}::test_two_campaigns_at_once_share_the_limit_and_both_come_to_their_end",
            f"{_HOURS}::test_what_is_launched_at_night_leaves_in_the_morning_and_asks_for_no_place_before",
            f"{_HOURS}::test_a_place_that_comes_when_the_hours_are_over_is_given_back",
            f"{_HOURS}::test_a_clock_that_is_set_forward_is_noticed_within_half_a_minute",
            f"{_HOURS}::test_a_search_whose_place_comes_when_the_hours_are_over_goes_on_in_the_morning",
            f"{_HOURS}::test_a_pause_in_the_night_is_no_end_and_what_is_waited_for_is_told_again",
            f"{_HOURS}::test_that_a_run_waits_for_its_time_is_said_from_its_first_wait_to_the_end_of_it",
            f"{_HOURS}::test_a_stop_ends_the_wait_for_the_hours",
        ),
        "campaign/bisect": (
            "campaign/test_bisect.py",
            "campaign/test_opted_out.py",
            "campaign/test_proof_in_a_search.py",
            "campaign/test_timetable.py",
        ),
        "campaign/chunks": (
            "campaign/test_chunks.py",
            "campaign/test_late_answers.py",
            "campaign/test_proof_in_a_search.py",
        ),
        "campaign/keeping": ("campaign/test_keeping.py", "campaign/test_chunks.py"),
        "campaign/timetable": ("campaign/test_room.py", "campaign/test_timetable.py"),
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
            "planning/test_planning_ledger.py",
            "planning/test_planning_sent_lately.py",
            "planning/test_planning_numbers.py::test_people_are_counted_by_country_also_where_some_come_twice",
        ),
        "planning/dealing": ("planning/test_planning_dealing.py", "planning/test_planning_shares.py"),
        "planning/shares": ("planning/test_planning_shares.py",),
        "model/identity": ("planning/test_planning_phone.py",),
        "journal/leases": ("journal/test_journal_leases.py",),
        "journal/rules": ("journal/test_journal_rules.py",),
    }
)
