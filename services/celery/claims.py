"""What workers have in hand, as the broker knows it, and failed attempts by document version."""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from services.celery.app import INGEST, queue_name
from services.celery.codec import Claim, IngestHeartbeat, decode_claim, decode_ingest_heartbeat
from services.celery.connection import ATTEMPTS_PREFIX, CLAIMS_KEY, INGEST_WORKERS_KEY
from services.errors import WinnowError
from services.ports.ingestion import DocumentVersion

# A heartbeat comes each second; a busy machine may swallow some.
SILENCE_S = 5.0

# Long enough for a worker to be restarted; then what waits for one gets another chance.
_ATTEMPTS_TTL_S = 3_600

# Takes a claim (KEYS[1], field ARGV[1]) away; whoever does counts an attempt (KEYS[2]).
_COUNT = """
if redis.call('HDEL', KEYS[1], ARGV[1]) == 0 then return 0 end
for i = 3, #ARGV do redis.call('HINCRBY', KEYS[2], ARGV[i], 1) end
if #ARGV > 2 then redis.call('EXPIRE', KEYS[2], ARGV[2]) end
return 1
"""


@dataclass(frozen=True, slots=True)
class Sight:
    """The broker at one moment.

    Attributes:
        alive: the workers whose heartbeat is young enough.
        claims: by task.
        queued: tasks that no worker has taken.
    """

    alive: Sequence[str]
    claims: Mapping[str, Claim]
    queued: int

    @staticmethod
    def ask(pipeline: Any) -> Any:
        """The pipeline with the questions that :meth:`of` takes the answers to."""
        pipeline.time()
        pipeline.hgetall(INGEST_WORKERS_KEY)
        pipeline.hgetall(CLAIMS_KEY)
        pipeline.llen(queue_name(INGEST))
        return pipeline

    @classmethod
    def of(cls, answers: Sequence[Any]) -> "Sight":
        """From the answers; what another version of Winnow wrote is left alone."""
        (seconds, microseconds), beats, raw_claims, queued = answers
        now_s = int(seconds) + int(microseconds) / 1e6
        alive, claims = [], {}
        for text in beats.values():
            with suppress(WinnowError):
                beat = decode_ingest_heartbeat(text)
                if is_alive(beat, now_s):
                    alive.append(beat.worker)
        for task_id, text in raw_claims.items():
            with suppress(WinnowError):
                claims[task_id.decode()] = decode_claim(text)
        return cls(tuple(alive), claims, int(queued))

    def orphaned(self) -> Mapping[str, Claim]:
        """The claims of workers that died."""
        return {key: claim for key, claim in self.claims.items() if claim.worker not in self.alive}

    def living(self) -> "Sight":
        """The same without them."""
        kept = {key: claim for key, claim in self.claims.items() if claim.worker in self.alive}
        return Sight(self.alive, kept, self.queued)


def is_alive(beat: IngestHeartbeat, now_s: float) -> bool:
    """Whether a worker's last sign of life is young enough, on the broker's clock."""
    return now_s - beat.at_s <= SILENCE_S


def takes(beat: IngestHeartbeat, now_s: float) -> bool:
    """Whether a worker lives and will take another task."""
    return is_alive(beat, now_s) and not beat.leaving


def count_failure(broker: Any, task_id: str, claim: Claim) -> Any:
    """Take a claim away and count a failed attempt, once however many processes do so.

    A task that only waited for its turn did not fail.

    Args:
        broker: an asynchronous client; what it answers is true for the one who counted.
    """
    fields = map(field_of, claim.documents) if claim.begun else ()
    key = attempts_key(claim.generation)
    return broker.eval(_COUNT, 2, CLAIMS_KEY, key, task_id, _ATTEMPTS_TTL_S, *fields)


def attempts_key(generation: str) -> str:
    """The hash of a generation's failed attempts, by the generation's name."""
    return f"{ATTEMPTS_PREFIX}{generation}"


def field_of(document: DocumentVersion) -> str:
    """A version of a document as a field of that hash."""
    identifier, version = document
    return f"{version}:{identifier}"


def version_of(field: bytes) -> DocumentVersion:
    """What :func:`field_of` was given."""
    version, _, identifier = field.decode().partition(":")
    return identifier, int(version)
