"""The households of the demonstration's tonight. Nobody here is real: 가상 means imaginary."""

from __future__ import annotations

from dataclasses import dataclass

from shelter.domain.contacts import TextChoice
from shelter.domain.matching import AgeBand, Party, PetSize, Sex, Species


@dataclass(frozen=True)
class Guest:
    """One household of tonight. Minutes are from now; nothing of it is real."""

    name: str
    women: int = 1
    men: int = 0
    children: int = 0
    infants: int = 0
    dogs: int = 0
    needs_step_free: bool = False
    can_call: bool | None = True
    can_text: bool | None = True
    number: str | None = None
    other_way: str | None = None
    nights: int | None = None  # as long as the limit allows
    in_days: int = 0
    who: int = 0  # which coordinator places her
    text: TextChoice = TextChoice.BY_VOICE
    expected_in: int | None = None
    confirmed_ago: int | None = None  # None: only held
    received: bool = True
    held_for: int | None = None
    is_on_the_way: bool = False
    then: str = ""  # check_in, no_show, text_failed

    @property
    def party(self) -> Party:
        people = (
            [(Sex.FEMALE, AgeBand.ADULT)] * self.women
            + [(Sex.MALE, AgeBand.ADULT)] * self.men
            + [(Sex.FEMALE, AgeBand.CHILD)] * self.children
            + [(Sex.FEMALE, AgeBand.INFANT)] * self.infants
        )
        return Party(
            people=tuple(people),
            pets=((Species.DOG, PetSize.SMALL),) * self.dogs,
            needs_step_free=self.needs_step_free,
        )


OTHER_WAY = "상담소 예시 선생님을 통해 전달 (가상)"
TONIGHT = (
    Guest(
        "가상 봄",
        children=2,
        dogs=1,
        number="010-0000-1001",
        text=TextChoice.ASKED_NOW,
        expected_in=-50,
        confirmed_ago=140,
    ),
    Guest(
        "가상 여름",
        children=1,
        can_call=False,
        can_text=False,
        other_way=OTHER_WAY,
        expected_in=-25,
        confirmed_ago=90,
    ),
    Guest("가상 가을", number="010-0000-1003", expected_in=40, confirmed_ago=25, received=False),
    Guest(
        "가상 겨울",
        infants=1,
        number="010-0000-1004",
        text=TextChoice.ASKED_NOW,
        expected_in=90,
        confirmed_ago=60,
    ),
    Guest(
        "가상 하늘",
        children=3,
        number="010-0000-1005",
        can_text=False,
        expected_in=150,
        confirmed_ago=8,
        received=False,
    ),
    Guest("가상 바다", number="010-0000-1006", held_for=12),
    Guest("가상 구름", children=1, number="010-0000-1007", held_for=70, is_on_the_way=True),
    Guest("가상 노을", men=1, women=0, number="010-0000-1008", nights=14, held_for=55, who=1),
    Guest("가상 이슬", number="010-0000-1009", expected_in=-60, confirmed_ago=200, then="check_in"),
    Guest(
        "가상 새벽",
        children=1,
        number="010-0000-1010",
        expected_in=-180,
        confirmed_ago=400,
        then="no_show",
    ),
    Guest(
        "가상 달빛",
        number="010-0000-1011",
        text=TextChoice.ASKED_NOW,
        expected_in=1600,
        confirmed_ago=70,
        in_days=1,
        then="text_failed",
    ),
    Guest(
        "가상 별빛",
        children=1,
        needs_step_free=True,
        number="010-0000-1012",
        nights=30,
        expected_in=3000,
        confirmed_ago=300,
        in_days=2,
        who=1,
    ),
    Guest("가상 숲", number="010-0000-1003", nights=7, expected_in=60, confirmed_ago=45, who=1),
)
