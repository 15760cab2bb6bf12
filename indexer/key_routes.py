"""The HTTP side of keys: who may ask."""

from collections.abc import Callable
from datetime import datetime
from typing import Annotated, Literal

from fastapi import APIRouter, Depends
from pydantic import BaseModel, ConfigDict, Field

from indexer.keys import MAX_NAME, KeyCabinet, MadeKey
from services.assembly import Services
from services.ports.keys import StoredKey
from services.web.who import who_asked

Who = Annotated[str, Depends(who_asked)]
KeyRole = Literal["search", "admin"]


class KeyBody(BaseModel):
    """A key to be made."""

    model_config = ConfigDict(extra="forbid")

    name: Annotated[str, Field(min_length=1, max_length=MAX_NAME)] = Field(
        description="for people: who has it"
    )
    role: KeyRole = Field(default="search", description="'admin' may do everything")


class KeyAnswer(BaseModel):
    """A key as it is kept."""

    id: str
    name: str
    role: KeyRole
    created_at: datetime

    @classmethod
    def of(cls, key: StoredKey) -> "KeyAnswer":
        """The answer for one."""
        return cls(
            id=key.id,
            name=key.name,
            role="admin" if key.administers else "search",
            created_at=key.created_at,
        )


class MadeKeyAnswer(KeyAnswer):
    """A key that was just made."""

    key: str = Field(description="what requests carry; it is shown this once")

    @classmethod
    def made(cls, key: MadeKey) -> "MadeKeyAnswer":
        """The answer for one."""
        return cls(**KeyAnswer.of(key.stored).model_dump(), key=key.secret)


class KeysAnswer(BaseModel):
    """Every key, the oldest first; those of the settings are not among them."""

    keys: list[KeyAnswer]


def router(services: Callable[..., Services]) -> APIRouter:
    """The routes of keys; all of them need the administration key.

    Args:
        services: a FastAPI dependency that gives them.
    """
    routes = APIRouter(prefix="/v1/admin/keys", tags=["keys"])

    def cabinet(kept: Annotated[Services, Depends(services)]) -> KeyCabinet:
        return KeyCabinet(kept)

    Cabinet = Annotated[KeyCabinet, Depends(cabinet)]  # noqa: N806  # a type

    @routes.get("")
    async def list_keys(service: Cabinet) -> KeysAnswer:
        """Every key that was made and not revoked."""
        return KeysAnswer(keys=[KeyAnswer.of(key) for key in await service.list()])

    @routes.post("", status_code=201)
    async def create_key(service: Cabinet, who: Who, body: KeyBody) -> MadeKeyAnswer:
        """Make a key; it is answered this once and kept nowhere."""
        made = await service.create(body.name, administers=body.role == "admin", who=who)
        return MadeKeyAnswer.made(made)

    @routes.delete("/{id}", status_code=204)
    async def revoke_key(service: Cabinet, who: Who, id: str) -> None:  # noqa: A002
        """Let a key open nothing any more, within two seconds in every process."""
        await service.revoke(id, who)

    return routes
