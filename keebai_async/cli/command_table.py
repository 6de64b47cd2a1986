"""Every command by its name, with the words that stand beside it in the list of commands.

The naive way imports them all, and with them planning, the engine and the sandbox, to run one that looks into
a file: most of the time that it takes to start. So a command is imported when it is called. A test holds the
words against the commands.
"""

from typing import Final

from keebai_async.lazy_names import lazily

with lazily(globals()):
    from keebai_async.cli.commands.demo import demo as demo
    from keebai_async.cli.commands.doctor import doctor as doctor
    from keebai_async.cli.commands.export import export as export
    from keebai_async.cli.commands.launch import launch as launch
    from keebai_async.cli.commands.list import list_ as list_
    from keebai_async.cli.commands.numbers import numbers as numbers
    from keebai_async.cli.commands.pause import pause as pause
    from keebai_async.cli.commands.plan import plan as plan
    from keebai_async.cli.commands.purge import purge as purge
    from keebai_async.cli.commands.reconcile import reconcile as reconcile
    from keebai_async.cli.commands.remove import remove as remove
    from keebai_async.cli.commands.report import report as report
    from keebai_async.cli.commands.resume import resume as resume
    from keebai_async.cli.commands.retry import retry as retry
    from keebai_async.cli.commands.sandbox import sandbox as sandbox
    from keebai_async.cli.commands.send import send as send
    from keebai_async.cli.commands.status import status as status
    from keebai_async.cli.commands.stop import stop as stop
    from keebai_async.cli.commands.templates import templates as templates
    from keebai_async.cli.commands.text import text as text
    from keebai_async.cli.commands.watch import watch as watch
    from keebai_async.cli.commands.work import work as work
    from keebai_async.cli.config.commands import config_app as config_app
    from keebai_async.cli.optouts.commands import optouts_app as optouts_app
    from keebai_async.cli.outbox.commands import outbox_app as outbox_app
    from keebai_async.cli.webhooks.commands import webhooks_app as webhooks_app
    from keebai_async.cli.whautomate.commands import whautomate_app as whautomate_app

BEFORE_THE_COMMAND: Final = frozenset({"--profile", "--as", "--lang"})
"""Options of the program as a whole that have a value."""

COMMANDS: Final = {
    "plan": "Read a list of people, check every row, and show what a launch would do. Nothing is submitted.",
    "launch": "Plan, show the plan, ask, submit, follow the delivery to its end, report.",
    "resume": "Continue a campaign after a stop, a crash or a pause. Nobody is messaged twice.",
    "pause": "Ask the process that runs a campaign to submit nothing more until you resume it.",
    "stop": "Ask the process that runs a campaign to end in good order, as Ctrl-C would there.",
    "status": "Show where a campaign stands, as the journal has it; without an id, all campaigns, "
    "newest first.",
    "list": "List campaigns, plans and tests, newest first.",
    "watch": "Look on while other processes run a campaign, or all of them, until they stop or end.",
    "work": "Run the campaigns of the journal that are wanted, until Ctrl-C or SIGTERM, which ends "
    "in good order.",
    "reconcile": "Show the chunks whose outcome is unknown, or settle one after a look into the portal.",
    "retry": "Send once more to those whose failure says that it helps, and to nobody who has it or "
    "may have it.",
    "export": "Write people of a campaign to a file that only you can read, and that can be planned as "
    "it is.",
    "report": "Tell where a campaign stands, on the screen or as a page to look at in a browser.",
    "purge": "Remove people from the journal for good: numbers, variables, rows. The counts stay.",
    "remove": "Remove a plan that was never launched, with everything in it. A campaign stays: see purge.",
    "send": "Send one template to one person, with its variables checked as a plan does; not to who "
    "opted out.",
    "text": "Send a text to a person who wrote to you in the last 24 hours.",
    "templates": "List the templates with their variables: the columns that a list of people needs.",
    "numbers": "List the numbers that can send; the first column is what --phone-number-id takes.",
    "doctor": "Check settings, token, sender, templates, webhooks and journal. Nothing is sent.",
    "sandbox": "Run a Keebai on this machine until Ctrl-C, and print the variables to use it. Nobody is "
    "messaged.",
    "demo": "Launch a generated messy list on a sandbox of its own: a whole campaign in seconds. "
    "Nobody is messaged.",
}
"""In the order in which the help lists them."""

GROUPS: Final = {
    "config": "Profiles, and where each value comes from; it has commands of its own.",
    "outbox": "Messages that were sent with --once; it has commands of its own.",
    "optouts": "Who wants no more, whatever campaign; it has commands of its own.",
    "webhooks": "Hear from the service what became of each person; it has commands of its own.",
    "whautomate": "Broadcasts of Whautomate, another service; it has commands of its own.",
}
"""Those that have commands of their own."""
