"""Settings: flag over environment over ``.env`` over ``winnow.toml``.

Every field is documented in ``docs/settings.md``; a test compares the two.
"""

import hashlib
import json
from functools import cached_property
from pathlib import Path
from typing import Annotated

from pydantic import Field, SecretStr, ValidationError, field_validator
from pydantic_settings import (
    BaseSettings,
    NoDecode,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    TomlConfigSettingsSource,
)

from services.errors import InvalidInput

Milliseconds = Annotated[int, Field(ge=1, le=600_000)]
Count = Annotated[int, Field(ge=1, le=100_000)]

_RANKING = {
    "depth",
    "rrf_k",
    "lexical_weight",
    "vector_weight",
    "late_window",
    "rerank_window",
    "max_chunks_per_document",
    "aggregation",
    "aggregation_best",
    "prior_weight",
    "budget_ms",
    "deadline_ms",
    "max_results",
    "qdrant_hnsw_ef",
    "bi_encoder",
    "cross_encoder",
    "fallback_cross_encoder",
}


class Settings(BaseSettings):
    """What an operator may choose, as ``WINNOW_<NAME>``."""

    model_config = SettingsConfigDict(
        env_prefix="WINNOW_",
        env_file=".env",
        toml_file="winnow.toml",
        extra="ignore",
        frozen=True,
    )

    data_dir: Path = Path("data")

    # Which server stands behind a part; what has no URL is embedded in data_dir.
    opensearch_url: str = Field(default="", pattern="^(https?://.+)?$")
    qdrant_url: str = Field(default="", pattern="^(https?://.+)?$")
    broker_url: str = ""
    cache_url: str = ""

    # OpenSearch: new indexes; a change does not touch those there are.
    opensearch_prefix: str = Field(default="winnow", pattern="^[a-z0-9][a-z0-9_-]{0,40}$")
    opensearch_shards: int = Field(default=1, ge=1, le=1_024)
    opensearch_replicas: str = Field(default="0-1", pattern="^[0-9]{1,2}(-([0-9]{1,2}|all))?$")
    opensearch_refresh: str = Field(default="now", pattern="^(now|wait_for)$")

    # Qdrant: its connection, then what new collections are made of.
    qdrant_api_key: SecretStr = SecretStr("")
    qdrant_grpc_port: int = Field(default=6_334, ge=0, le=65_535)
    qdrant_timeout_ms: Milliseconds = 5_000
    qdrant_write_timeout_ms: Milliseconds = 60_000
    qdrant_prefix: str = Field(default="winnow", pattern="^[a-z0-9][a-z0-9_-]{0,40}$")
    qdrant_shards: int = Field(default=1, ge=1, le=1_024)
    qdrant_replicas: int = Field(default=1, ge=1, le=64)
    qdrant_hnsw_m: int = Field(default=16, ge=0, le=256)
    qdrant_hnsw_ef_construct: int = Field(default=128, ge=4, le=4_096)
    qdrant_hnsw_ef: int = Field(default=0, ge=0, le=10_000)
    qdrant_quantization: str = Field(default="none", pattern="^(none|scalar|binary)$")

    # Models: a name on the hub or a path; "" switches the stage off.
    bi_encoder: str = "sentence-transformers/all-MiniLM-L6-v2"
    cross_encoder: str = "cross-encoder/ms-marco-MiniLM-L6-v2"
    fallback_cross_encoder: str = ""
    model_languages: Annotated[tuple[str, ...], NoDecode] = ()
    hub: bool = True
    precision: str = Field(default="auto", pattern="^(auto|fp32|bf16)$")
    threads: int = Field(default=0, ge=0, le=1_024)
    # None: 64 where the bi-encoder has a token projection, else none are stored.
    token_dimensions: int | None = Field(default=None, ge=0, le=1_024)

    # Chunks, in the bi-encoder's tokens. 0: what the model reads.
    chunk_tokens: int = Field(default=0, ge=0, le=8_192)
    chunk_overlap_tokens: int = Field(default=32, ge=0, le=1_024)

    # Retrieval and fusion.
    depth: Count = 100
    rrf_k: int = Field(default=60, ge=0, le=10_000)
    lexical_weight: float = Field(default=1.0, ge=0, le=1_000)
    vector_weight: float = Field(default=1.0, ge=0, le=1_000)

    # Late interaction: candidates that it orders.
    late_window: int = Field(default=300, ge=0, le=10_000)

    # Reranking.
    rerank_window: int = Field(default=50, ge=0, le=1_000)
    max_chunks_per_document: int = Field(default=3, ge=1, le=1_000)
    aggregation: str = Field(default="max", pattern="^(max|mean|discounted|first)$")
    aggregation_best: int = Field(default=3, ge=1, le=100)
    prior_weight: float = Field(default=0.0, ge=0, le=1)
    budget_ms: Milliseconds = 300
    deadline_ms: Milliseconds = 1_500

    # Who indexes a collection, and ingestion on workers.
    index_lease_ms: Milliseconds = 4_000
    ingest_in_process: bool = True
    ingest_task_documents: int = Field(default=256, ge=1, le=1_024)

    # Limits and lifetimes.
    max_results: Count = 1_000
    page_ttl_s: int = Field(default=600, ge=1, le=86_400)
    generation_grace_s: int = Field(default=86_400, ge=0, le=31_536_000)
    reconcile_interval_s: int = Field(default=21_600, ge=0, le=31_536_000)
    cache_ttl_s: int = Field(default=300, ge=0, le=86_400)
    cache_bytes: int = Field(default=64 * 2**20, ge=0)
    cache_timeout_ms: Milliseconds = 50
    max_query_characters: int = Field(default=4_096, ge=1, le=1_000_000)
    max_document_bytes: int = Field(default=16 * 2**20, ge=1_024)
    max_body_bytes: int = Field(default=64 * 2**20, ge=1_024)
    max_concurrent_searches: int = Field(default=32, ge=1, le=10_000)
    max_wait_ms: int = Field(default=25, ge=0, le=60_000)
    # Requests a minute. None: 6,000, and no limit where only this machine is served; 0: none.
    rate_per_key: int | None = Field(default=None, ge=0, le=10_000_000)
    rate_per_address: int | None = Field(default=None, ge=0, le=10_000_000)

    # Serving.
    host: str = "127.0.0.1"
    port: int = Field(default=8_000, ge=0, le=65_535)
    server: str = Field(default="", pattern="^(https?://.+)?$")
    search_key: SecretStr = SecretStr("")
    admin_key: SecretStr = SecretStr("")
    key: SecretStr = SecretStr("")
    cors_origins: Annotated[tuple[str, ...], NoDecode] = ()

    @field_validator("cors_origins", "model_languages", mode="before")
    @classmethod
    def _split_commas(cls, raw: object) -> object:
        if isinstance(raw, str):
            return tuple(item.strip() for item in raw.split(",") if item.strip())
        return raw

    @cached_property
    def data_path(self) -> Path:
        """``data_dir`` as an absolute path."""
        return self.data_dir.expanduser().resolve()

    @property
    def grace_s(self) -> float:
        """How long a retired generation stays: pages and requests may still be on it."""
        return max(self.generation_grace_s, self.page_ttl_s + self.deadline_ms / 1_000)

    def ranking_digest(self) -> str:
        """Stands for every choice that changes an answer, in the keys of shared caches."""
        chosen = self.model_dump(mode="json", include=_RANKING)
        return hashlib.sha256(json.dumps(chosen, sort_keys=True).encode()).hexdigest()[:16]

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003 - pydantic's signature
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Flags (arguments), environment, ``.env``, ``winnow.toml``: the first that has it."""
        toml = TomlConfigSettingsSource(settings_cls)
        return init_settings, env_settings, dotenv_settings, toml


def load_settings(**flags: object) -> Settings:
    """Read the settings; InvalidInput names each that is wrong."""
    given = {name: value for name, value in flags.items() if value is not None}
    try:
        return Settings(**given)  # type: ignore[arg-type]  # names are checked by pydantic
    except ValidationError as error:
        faults = (
            f"WINNOW_{'_'.join(str(part) for part in fault['loc']).upper()}: {fault['msg']}"
            for fault in error.errors()
        )
        raise InvalidInput("Settings: " + "; ".join(faults)) from None
