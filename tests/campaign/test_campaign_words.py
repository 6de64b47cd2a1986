"""Which campaign a person means by what they typed."""

import pytest

from keebai_async.errors import CampaignNotFound, InvalidInput
from keebai_async.model.campaign_words import KnownCampaign, campaign_meant

KNOWN = [
    KnownCampaign("promo-marzo-1a2b3c4d", "Promo marzo"),
    KnownCampaign("promo-abril-99887766", "Promo abril"),
    KnownCampaign("aviso-55554444", "Aviso"),
    KnownCampaign("aviso-11112222", "Aviso"),
]


@pytest.mark.parametrize(
    ("words", "meant"),
    [
        ("aviso-11112222", "aviso-11112222"),
        ("promo-m", "promo-marzo-1a2b3c4d"),
        ("promo abril", "promo-abril-99887766"),
        (" Promo marzo ", "promo-marzo-1a2b3c4d"),
        ("last", "promo-marzo-1a2b3c4d"),
        ("aviso-5", "aviso-55554444"),
    ],
)
def test_an_id_its_beginning_a_name_or_last_means_one_campaign(words: str, meant: str) -> None:
    assert campaign_meant(words, KNOWN) == meant


@pytest.mark.parametrize("words", ["promo", "Aviso", "aviso-"])
def test_what_may_be_several_is_an_error_that_names_them(words: str) -> None:
    with pytest.raises(InvalidInput, match=r"may be any of 2 campaigns: [a-z0-9-]+, [a-z0-9-]+; give the id"):
        campaign_meant(words, KNOWN)


def test_of_one_name_the_only_one_that_was_launched_is_meant_where_no_plan_is_asked_for() -> None:
    plans = [KnownCampaign("promo-1", "Promo"), KnownCampaign("promo-2", "Promo")]
    launched = KnownCampaign("promo-3", "promo", launched=True)
    other = KnownCampaign("promo-4", "Promo", launched=True)

    assert campaign_meant("Promo", [*plans, launched], plans=False) == "promo-3"
    for several in (plans, [*plans, launched, other]):
        with pytest.raises(InvalidInput, match="may be any of"):
            campaign_meant("Promo", several, plans=False)
    with pytest.raises(InvalidInput, match="may be any of 3 campaigns"):
        campaign_meant("Promo", [*plans, launched])


def test_the_beginning_of_two_ids_means_neither_though_one_was_launched() -> None:
    known = [KnownCampaign("promo-1", "Uno"), KnownCampaign("promo-2", "Dos", launched=True)]

    with pytest.raises(InvalidInput, match="may be any of 2 campaigns"):
        campaign_meant("promo", known, plans=False)


@pytest.mark.parametrize("words", ["pr", "p", ""])
def test_one_or_two_letters_mean_nobody(words: str) -> None:
    with pytest.raises(CampaignNotFound):
        campaign_meant(words, [KNOWN[0], KNOWN[2]])


def test_near_misses_are_named_and_far_ones_are_not() -> None:
    with pytest.raises(CampaignNotFound, match="did you mean promo-marzo-1a2b3c4d"):
        campaign_meant("promo-marso", KNOWN)
    with pytest.raises(CampaignNotFound, match=r"in this journal$"):
        campaign_meant("navidad", KNOWN)


def test_where_there_are_no_campaigns_there_is_no_last_one() -> None:
    with pytest.raises(CampaignNotFound):
        campaign_meant("last", [])


def test_the_id_of_a_campaign_goes_before_the_name_of_another() -> None:
    known = [KnownCampaign("aviso", "x"), KnownCampaign("y-1", "aviso")]
    assert campaign_meant("aviso", known) == "aviso"
