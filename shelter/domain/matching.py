from enum import StrEnum


class Sex(StrEnum):
    FEMALE = "female"
    MALE = "male"
    OTHER = "other"


class AgeBand(StrEnum):
    ADULT = "adult"
    OLDER_BOY = "older_boy"
    CHILD = "child"
    INFANT = "infant"


class Species(StrEnum):
    DOG = "dog"
    CAT = "cat"
    OTHER = "other"


class PetSize(StrEnum):
    SMALL = "small"
    LARGE = "large"


class PetsAllowed(StrEnum):
    NONE = "none"
    SMALL = "small"
    ANY = "any"


class Audience(StrEnum):
    WOMEN = "women"
    MEN = "men"
    FAMILY = "family"
    ANY = "any"


class Sharing(StrEnum):
    HOUSEHOLD = "household"
    WOMEN = "women"
    MEN = "men"
    ANY = "any"
