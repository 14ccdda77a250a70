"""The table of spellings: what is one name, what stays two, and that it is kept in order."""

from __future__ import annotations

import itertools
import re
from collections import Counter

import pytest

from fieldward_sync.matching.folding import fold
from fieldward_sync.matching.spellings import (
    BEGINNINGS,
    ENDINGS,
    SECTIONS,
    groups_of,
    spellings_of,
)

GROUPS = [group for section in SECTIONS for group in groups_of(section)]
WORDS = sorted({word for group in GROUPS for part in group for word in part})

ONE_NAME = """
    katherine catherine kathryn katharine
    katherine kate
    kate katie
    catherine kathy
    catherine kat
    elizabeth elisabeth
    elizabeth liz
    elizabeth beth
    elizabeth betty
    elizabeth eliza
    elizabeth libby
    lizzie liz
    william bill
    william liam
    will william
    jayden jaiden jaden
    aidan aiden
    caitlin kaitlyn katelyn
    niamh neve
    siobhan shivaun
    sean shaun shawn
    rhys reece reese
    zachary zac zack
    alexander alex
    alexandra alex
    alexis alex
    samuel sam
    samantha sam
    james jamie
    muhammad mohammed mohamed mohammad mohamad muhammed maxamed
    mohammed mohd
    muhammad md
    ahmed ahmad
    hussain hussein husain hossain
    yusuf yousuf yousef
    aisha ayesha aysha caasha
    fatima fatimah fathima
    zainab zaynab
    maryam mariam
    khadija khadijah
    ibrahim ebrahim
    ismail ismaeel
    omar umar
    usman osman uthman
    hassan hasan xasan
    rahman rehman
    chaudhry choudhury chowdhury chaudhary
    sheikh shaikh shaik
    sayed syed sayyid
    qureshi quraishi
    siddiqui siddiqi
    khatun khatoon
    lakshmi laxmi
    alexandra aleksandra oleksandra
    aleksandra ola
    katarzyna kasia
    malgorzata gosia
    julia yulia iuliia
    aleksandr oleksandr
    dmytro dmitri
    abdi cabdi
    farah faarax
    oluwaseun seun
    oluwatobi tobi
    zhang cheung
    wang wong
    huang wong
    li lee
    chen chan
    moshe moishe
    chaim haim
    smith smyth smythe
    clark clarke
    brown browne
    davies davis
    thompson thomson
    stephens stevens
    stephenson stevenson
    reid reed read
    allan allen alan
    philips phillips
    matthews mathews
    nichols nicholls
    johnson johnston johnstone
    pearce pierce
    mcdonald macdonald
    mckenzie mackenzie
    abdulaziz abdelaziz abdiaziz
    kowalski kowalska
    nowicki nowicka
    zawadzki zawadzka
    zelensky zelenska zelenskiy
    dostoevsky dostoevskaya
    ivanov ivanova
    medvedev medvedeva
    pushkin pushkina
    kazlauskas kazlauskaite kazlauskiene
    novak novakova
    jonsson jonsdottir
    papadopoulos papadopoulou
    harjit harjeet
    kulvinder kulwinder
    nizamuddin nizamudin
    habibullah habibulla
    ashley ashleigh
    muller mueller
""".strip().splitlines()

TWO_NAMES = """
    alexander alexandra
    alexandra alexis
    patrick patricia
    christopher christine
    christina christopher
    samuel samantha
    samuel samir
    oliver olivia
    daniel danielle
    mohammed mahmoud
    mohamed mohamud
    maria mariam
    yusuf joseph
    isla ayla
    singh kaur
    mack mc
    macy mcy
    martin martina
    valentin valentina
    roman romanova
    betty libby
    kate kathy
    bill will
    wang huang
    zachary zakariya
    edward theodore
    eva ava
    maria mary
    sophia safiya
    lee leah
    rohan rowan
    thomas tamsin
    louis louisa
    pearson peardottir
    michael mikhail
    wilson williams
    joel jol
    samuel samul
    emily amelia
    shah sheikh
    brandon brendan
    isa isaac
    ali alison
    nicola nicholas
    paul paula
    julian juliet
    nair nasir
    jonathan john
    adam aden
    owen ewan
    philip philippa
""".strip().splitlines()


@pytest.mark.parametrize("words", [line.split() for line in ONE_NAME], ids=" ".join)
def test_one_name_is_known_under_each_of(words: list[str]) -> None:
    for one, other in itertools.permutations(words, 2):
        assert other in spellings_of(one)


@pytest.mark.parametrize("words", [line.split() for line in TWO_NAMES], ids=" ".join)
def test_two_names_stay_two(words: list[str]) -> None:
    for one, other in itertools.permutations(words, 2):
        assert other not in spellings_of(one)


@pytest.mark.parametrize("word", ["", "q", "mc", "ska", "okafor", "alex", "mcdonald", "2nd"])
def test_a_word_is_a_spelling_of_itself(word: str) -> None:
    assert word in spellings_of(word)


def test_a_word_that_nobody_listed_is_itself_alone() -> None:
    assert spellings_of("okafor") == {"okafor"}


def test_being_one_name_goes_both_ways() -> None:
    shapes = [f"{rule.letters[0]}tarkan" for rule in BEGINNINGS]
    shapes += [f"tar{letters}" for rule in ENDINGS for letters in rule.letters]
    for word in (*WORDS, *shapes):
        for other in spellings_of(word):
            assert word in spellings_of(other), (word, other)


def test_a_shared_short_form_joins_no_names() -> None:
    whole = [(set(group[0]), {w for part in group[1:] for w in part}) for group in GROUPS]
    together = {frozenset(pair) for group in GROUPS for pair in itertools.combinations(group[0], 2)}
    joined = {
        (one, other)
        for (names, shorts), (others, other_shorts) in itertools.combinations(whole, 2)
        if shorts & other_shorts
        for one, other in itertools.product(names - others, others - names)
        if other in spellings_of(one)
        and frozenset((one, other)) not in together
        and other not in shorts
        and one not in other_shorts
    }
    assert joined == set()


def test_every_word_of_the_table_is_folded() -> None:
    assert [word for word in WORDS if fold(word) != word or not re.fullmatch("[a-z]+", word)] == []


def test_no_word_stands_twice_in_a_group_and_each_group_has_two() -> None:
    for group in GROUPS:
        words = [word for part in group for word in part]
        assert all(group), group
        assert len(words) == len(set(words)) >= 2, group


def test_no_group_stands_twice() -> None:
    heads = Counter(group[0][0] for group in GROUPS)
    assert [head for head, times in heads.items() if times > 1] == []
    contents = Counter(frozenset(word for part in group for word in part) for group in GROUPS)
    assert max(contents.values()) == 1


@pytest.mark.parametrize("section", SECTIONS, ids=range(len(SECTIONS)))
def test_a_section_is_in_order(section: str) -> None:
    heads = [group[0][0] for group in groups_of(section)]
    assert heads == sorted(heads)


def test_no_letters_belong_to_two_rules() -> None:
    for rules in (BEGINNINGS, ENDINGS):
        letters = [letters for rule in rules for letters in rule.letters]
        assert len(letters) == len(set(letters))
