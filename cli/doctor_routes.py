"""The HTTP side of ``winnow doctor``: what the process that has the stores finds."""

from collections.abc import Callable
from typing import Annotated

from fastapi import APIRouter, Depends
from pydantic import BaseModel, ConfigDict, Field

from cli.doctor import Report, examined
from services.assembly import Services
from services.diagnosis import State

PATH = "/v1/admin/doctor"


class FindingAnswer(BaseModel):
    """One line."""

    model_config = ConfigDict(from_attributes=True)

    part: str = Field(description="what was looked at")
    state: State
    found: str
    advice: str = Field(description="what to do; empty: nothing")


class ReportAnswer(BaseModel):
    """How a server and everything behind it is."""

    model_config = ConfigDict(from_attributes=True)

    data_dir: str
    owner: str = Field(description="who has the data directory; empty where nobody is asked")
    collections: dict[str, int] = Field(description="documents by collection")
    models: dict[str, str]
    versions: dict[str, str]
    unreachable: dict[str, str] = Field(description="what does not answer, with the reason")
    findings: list[FindingAnswer]


def router(services: Callable[..., Services]) -> APIRouter:
    """The route of the doctor.

    Args:
        services: a FastAPI dependency that gives them.
    """
    routes = APIRouter(tags=["operations"])

    @routes.get(PATH)
    async def doctor(kept: Annotated[Services, Depends(services)]) -> ReportAnswer:
        """Look at every connection, version, model, fingerprint, disk and clock."""
        report: Report = await examined(kept)
        return ReportAnswer.model_validate(report)

    return routes
