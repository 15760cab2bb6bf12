"""What DOCX and PPTX share: their properties."""

from datetime import datetime
from typing import Protocol


class CoreProperties(Protocol):
    """The Dublin Core properties of an Office package."""

    @property
    def author(self) -> str:
        """Names, parted by semicolons."""

    @property
    def subject(self) -> str:
        """What it is about."""

    @property
    def keywords(self) -> str:
        """Words, parted by commas or semicolons."""

    @property
    def modified(self) -> datetime | None:
        """When it was last changed."""


def metadata_of(properties: CoreProperties) -> dict[str, object]:
    """Author, subject, keywords and the day of the last change, where they are set."""
    keywords = properties.keywords.replace(";", ",").split(",")
    values: dict[str, object] = {
        "author": [name.strip() for name in properties.author.split(";") if name.strip()],
        "subject": properties.subject.strip(),
        "keywords": [word.strip() for word in keywords if word.strip()],
        "date": None if properties.modified is None else properties.modified.date(),
    }
    return {key: value for key, value in values.items() if value}


def language_of(declared: str | None) -> str:
    """ISO 639-1 code of a language tag such as "en-GB"."""
    return (declared or "").split("-")[0].strip().lower()
