"""Children with names of other countries, in the place of their own; nothing is tuned to them.

They come from the ``faker`` package. How names in other scripts are written by English people it
does not know: a few are put down here, from general knowledge of how their bearers spell them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from random import Random
from typing import Any
from unicodedata import combining, normalize

from faker import Faker

from bench.remembering import Child

LATIN = (
    *("cs_CZ", "de_DE", "en_IN", "en_PK", "es_MX", "fr_FR", "ha_NG", "hu_HU", "id_ID", "ig_NG"),
    *("it_IT", "lt_LT", "nl_NL", "pl_PL", "pt_BR", "ro_RO", "sv_SE", "sw", "tr_TR"),
    *("tw_GH", "vi_VN", "yo_NG", "zu_ZA"),
)
"""Locales whose names are written in Latin letters."""

OTHER_SCRIPTS = (
    *("ar_SA", "bg_BG", "bn_BD", "el_GR", "fa_IR", "gu_IN", "he_IL", "hi_IN", "hy_AM"),
    *("ka_GE", "ko_KR", "ne_NP", "ru_RU", "ta_IN", "th_TH", "uk_UA", "zh_CN"),
)

_NAMES_EACH = 400
"""Draws from a locale; the commoner ones come up again and again."""

_UNMARKED = str.maketrans(
    {"ß": "ss", "œ": "oe", "æ": "ae", "Æ": "Ae", "þ": "th", "Þ": "Th", "ŋ": "ng", "’": "'"}
    | dict(zip("øØłŁđĐðıəɔεɓƁɗƊƙƘ", "oOlLdDdiaoebBdDkK", strict=True))
)
"""Letters that no mark can be taken from."""


def unmarked(text: str) -> str:
    """A name in Latin letters as an English keyboard has it."""
    parts = normalize("NFKD", text.translate(_UNMARKED))
    return "".join(character for character in parts if not combining(character))


_SPELT = (
    (
        "محمد Mohammed, أحمد Ahmed, يوسف Yusuf, خالد Khalid, عمر Omar, إبراهيم Ibrahim",
        "فاطمة Fatima, مريم Maryam, عائشة Aisha, نور Noor, سارة Sara, ياسمين Yasmin",
        "حسين Hussein, العلي Al-Ali, الحسن Al-Hassan, منصور Mansour, صالح Saleh, الخطيب Al-Khatib",
    ),
    (
        "علی Ali, رضا Reza, امیر Amir, آرش Arash, کیان Kian, پارسا Parsa",
        "زهرا Zahra, شیرین Shirin, پریسا Parisa, نرگس Narges, لیلا Leila, آیدا Aida",
        "حسینی Hosseini, کریمی Karimi, رضایی Rezaei, احمدی Ahmadi, موسوی Mousavi, تهرانی Tehrani",
    ),
    (
        "राहुल Rahul, अर्जुन Arjun, रोहन Rohan, विवेक Vivek, कृष्ण Krishna, आदित्य Aditya",
        "प्रिया Priya, अनन्या Ananya, दीपिका Deepika, नेहा Neha, पूजा Pooja, कविता Kavita",
        "शर्मा Sharma, गुप्ता Gupta, पटेल Patel, वर्मा Verma, मिश्रा Mishra, चौधरी Chaudhary",
    ),
    (
        "রহিম Rahim, করিম Karim, সাকিব Shakib, তানভীর Tanvir, আরিফ Arif, ইমরান Imran",
        "ফাতেমা Fatema, নাসরিন Nasrin, সুমাইয়া Sumaiya, তাসনিম Tasnim, রোকেয়া Rokeya, মিতু Mitu",
        "চৌধুরী Chowdhury, আহমেদ Ahmed, ইসলাম Islam, হোসেন Hossain, মিয়া Miah, তালুকদার Talukdar",
    ),
    (
        "முருகன் Murugan, கார்த்திக் Karthik, குமார் Kumar, அருண் Arun, விஜய் Vijay, சுரேஷ் Suresh",
        "லட்சுமி Lakshmi, மீனா Meena, கவிதா Kavitha, தேவி Devi, பிரியா Priya, அனிதா Anitha",
        "சுப்பிரமணியம் Subramaniam, ராஜா Raja, சிவகுமார் Sivakumar, கண்ணன் Kannan, நாதன் Nathan",
    ),
    (
        "Алексей Alexei, Дмитрий Dmitry, Сергей Sergey, Илья Ilya, Юрий Yuri, Михаил Mikhail",
        "Юлия Yulia, Екатерина Ekaterina, Анастасия Anastasia, Наталья Natalia, Дарья Daria",
        "Иванов Ivanov, Кузнецов Kuznetsov, Щербаков Shcherbakov, Чайковский Tchaikovsky",
    ),
    (
        "Олександр Oleksandr, Андрій Andriy, Сергій Serhiy, Богдан Bohdan, Євген Yevhen",
        "Оксана Oksana, Наталія Nataliya, Ганна Hanna, Ірина Iryna, Соломія Solomiya, Юлія Yuliia",
        "Шевченко Shevchenko, Коваленко Kovalenko, Бондаренко Bondarenko, Ткачук Tkachuk",
    ),
    (
        "Γιώργος Giorgos, Δημήτρης Dimitris, Νίκος Nikos, Χρήστος Christos, Γιάννης Yannis",
        "Ελένη Eleni, Κατερίνα Katerina, Σοφία Sofia, Δέσποινα Despina, Ευαγγελία Evangelia",
        "Παπαδόπουλος Papadopoulos, Γεωργίου Georgiou, Χριστοδούλου Christodoulou",
    ),
    (
        "伟 Wei, 强 Qiang, 子轩 Zixuan, 浩然 Haoran, 军 Jun, 俊杰 Junjie",
        "芳 Fang, 丽 Li, 静 Jing, 雨涵 Yuhan, 欣怡 Xinyi, 梅 Mei",
        "王 Wang, 李 Li, 张 Zhang, 陈 Chen, 黄 Huang, 赵 Zhao, 周 Zhou, 徐 Xu",
    ),
    (
        "דוד David, משה Moshe, יעקב Yaakov, נועם Noam, אריאל Ariel, יוסף Yosef",
        "שרה Sarah, רחל Rachel, מרים Miriam, נועה Noa, תמר Tamar, חנה Chana",
        "כהן Cohen, לוי Levy, מזרחי Mizrahi, פרידמן Friedman, ביטון Biton, שפירא Shapira",
    ),
)
"""For one script after the other boys', girls' and family names, each with an English spelling."""


@dataclass(frozen=True)
class Names:
    """The names of one country."""

    families: Sequence[str]
    girls: Sequence[str]
    boys: Sequence[str]

    @classmethod
    def of(cls, locale: str) -> Names:
        """Those that ``faker`` knows of a locale, the same ones each time."""
        fake = Faker(locale)
        fake.seed_instance(7)
        draw = range(_NAMES_EACH)
        return cls(
            families=[fake.last_name() for _ in draw],
            girls=[fake.first_name_female() for _ in draw],
            boys=[fake.first_name_male() for _ in draw],
        )

    @classmethod
    def put_down(cls) -> list[Names]:
        """Those that are put down here, of one script after the other."""
        return [
            cls(*(list(_spelt(each)) for each in (families, girls, boys)))
            for boys, girls, families in _SPELT
        ]


def renamed(children: Iterable[Child], countries: Sequence[Names]) -> Iterator[dict[str, Any]]:
    """The same children with names of these countries, as often of each."""
    chance = Random(7)
    home: object = None
    names, family = countries[0], ""
    for child in children:
        if child["address"] != home:
            home, names = child["address"], chance.choice(countries)
            family = chance.choice(names.families)
        given = chance.choice(names.girls if child["sex"] == "female" else names.boys)
        yield {**child, "name": {"family": family, "given": given}}


def in_english(name: str) -> str:
    """How English people write a name that is put down here."""
    return _ENGLISH[name]


def _spelt(names: str) -> dict[str, str]:
    """Names in their own script, and how English people write them."""
    return dict(pair.strip().split(" ") for pair in names.split(","))


_ENGLISH = {own: spelt for rows in _SPELT for row in rows for own, spelt in _spelt(row).items()}
