"""Meta's markets: which countries a row of its rate card is for. Pure.

A rate card has rows for some countries, for what is left of some continents, and for all others. A country
that has a row of its own goes by that one, so the lists below also hold countries that got one since.
Source: contract, section 13 (Meta "Pricing"); the lists are facts of Meta's page on its markets.
"""

from functools import cache
from typing import Final

from keebai_async.planning.number_forms import country_name, known_regions
from keebai_async.sources.header import unaccented

ALL_OTHERS: Final = "*"
"""In the place of a country: all that have no row."""

_GROUPS: Final = {
    "north america": "CA US",
    "rest of africa": (
        "AO BF BI BJ BW CG CI CM DZ ER ET GA GH GM GW KE LR LS LY MA MG ML MR MW MZ NA NE RW SD SL SN SO SS"
        " SZ TD TG TN TZ UG ZM ZW"
    ),
    "rest of asia pacific": "AF AU BD CN HK JP KH LA LK MN NP NZ PG PH SG TH TJ TM TW UZ VN",
    "rest of central & eastern europe": "AL AM AZ BG BY CZ GE GR HR HU LT LV MD MK PL RO RS SI SK UA",
    "rest of latin america": "BO CR DO EC GT HN HT JM NI PA PR PY SV UY VE",
    "rest of middle east": "BH IQ JO KW LB OM QA YE",
    "rest of western europe": "AT BE CH DK FI IE NO PT SE",
}
_ALSO_CALLED: Final = {
    "brazil": "BR",
    "congo (brazzaville)": "CG",
    "czechia": "CZ",
    "democratic republic of the congo": "CD",
    "dominican republic": "DO",
    "eswatini": "SZ",
    "ivory coast": "CI",
    "mozambique": "MZ",
    "north macedonia": "MK",
    "republic of the congo": "CG",
    "spain": "ES",
    "sao tome and principe": "ST",
    "turkiye": "TR",
    "uae": "AE",
    "uk": "GB",
    "usa": "US",
}


def countries_of_market(market: str) -> tuple[str, ...]:
    """The countries of a market, such as AR: one for a country, several for a group, ALL_OTHERS for "Other".

    A country is its two letters, or its name as Meta or we write it. Nothing if it is none of these.
    """
    name = " ".join(unaccented(market).replace(" and ", " & ").split())
    if name in {"other", "others", ALL_OTHERS}:
        return (ALL_OTHERS,)
    if group := _GROUPS.get(name):
        return tuple(group.split())
    region = _by_name().get(name)
    return () if region is None else (region,)


@cache
def _by_name() -> dict[str, str]:
    names = {country_name(region): region for region in known_regions()} | _ALSO_CALLED
    names |= {region: region for region in known_regions()}
    return {unaccented(name).replace(" and ", " & "): region for name, region in names.items()}
