"""A template for one person, checked as a row of a list is. Pure."""

from collections.abc import Mapping

from keebai_async.errors import InvalidInput
from keebai_async.model.template import Template
from keebai_async.planning.check_row import RowChecks
from keebai_async.planning.codec import RowCodec
from keebai_async.planning.rejections import Problem
from keebai_async.planning.rows import ParsedRow
from keebai_async.planning.template import named_by_text


def check_one_person(template: Template, to: str, variables: Mapping[str, str]) -> None:
    """Let nobody be sent what a plan would reject.

    Raises:
        InvalidInput: the first thing that is wrong, with its field.
    """
    checks = RowChecks(RowCodec(named_by_text(template)))
    checked = checks.check(ParsedRow(to=to, values=dict(variables)))
    if isinstance(checked, Problem):
        local = checked.field == "to" and not to.strip().startswith(
            "+"
        )  # of one number no region is asked for
        detail = (
            "write it in E.164, with a plus and the country code: +5491155555555" if local else checked.detail
        )
        raise InvalidInput(detail, field=checked.field or None)
