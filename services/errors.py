"""Every error that Winnow raises on purpose.

::

    WinnowError
    ├── InvalidInput                400  the request can never succeed as it is
    │   ├── InvalidId
    │   ├── InvalidFilter
    │   ├── InvalidDocument         also: metadata that conflicts with the schema (409)
    │   └── SchemaConflict          409
    ├── Unauthorized                401
    ├── Forbidden                   403
    ├── NotFound                    404
    │   ├── CollectionNotFound
    │   └── DocumentNotFound
    ├── AlreadyExists               409
    ├── LeaseLost                   409  another process has taken the work over
    ├── PageExpired                 410
    ├── TooLarge                    413
    ├── Overloaded                  429
    ├── ModelUnavailable            503  no weights to be had, with what was tried
    │   └── EncoderMismatch              what is to be had makes other vectors than the index holds
    └── BackendUnavailable          503  an engine, broker or cache did not answer
        ├── DeadlineExceeded
        ├── TaskLost                     a worker died with a task of ingestion in hand
        ├── DataDirectoryLocked          another process owns the embedded stores
        └── DataFormatUnsupported        written by a newer Winnow

Adapters translate vendor errors into these at their edge; nothing above an adapter
imports a vendor's exception. Messages are sentences that say what to do.
"""

from typing import ClassVar


class WinnowError(Exception):
    """Base of the tree.

    Attributes:
        slug: names the problem type in RFC 9457 answers (``/problems/<slug>``).
        status: the HTTP status it is answered with.
        exit_code: the exit code of the command line (1 failed, 2 usage, 4 backend).
        retry_after_s: seconds after which the same request may succeed, or None.
    """

    slug: ClassVar[str] = "internal"
    title: ClassVar[str] = "Something failed inside Winnow"
    status: ClassVar[int] = 500
    exit_code: ClassVar[int] = 1

    def __init__(self, detail: str, *, retry_after_s: int | None = None) -> None:
        super().__init__(detail)
        self.detail = detail
        self.retry_after_s = retry_after_s


class InvalidInput(WinnowError):
    """The request can never succeed as it is."""

    slug = "invalid-input"
    title = "The request is not valid"
    status = 400
    exit_code = 2


class InvalidId(InvalidInput):
    """An id is empty, longer than 512 bytes or holds control characters."""

    slug = "invalid-id"
    title = "The id is not valid"


class InvalidFilter(InvalidInput):
    """A filter does not follow the grammar or names an undeclared key."""

    slug = "invalid-filter"
    title = "The filter is not valid"


class InvalidDocument(InvalidInput):
    """A document cannot be stored as it is."""

    slug = "invalid-document"
    title = "The document is not valid"


class SchemaConflict(InvalidInput):
    """A metadata value has another type than the collection's schema declares."""

    slug = "schema-conflict"
    title = "The value conflicts with the collection's schema"
    status = 409


class Unauthorized(WinnowError):
    """A key is missing or unknown."""

    slug = "unauthorized"
    title = "A valid key is needed"
    status = 401
    exit_code = 2


class Forbidden(WinnowError):
    """The key is known but has no right to this."""

    slug = "forbidden"
    title = "This key may not do that"
    status = 403
    exit_code = 2


class NotFound(WinnowError):
    """The thing named does not exist."""

    slug = "not-found"
    title = "Not found"
    status = 404


class CollectionNotFound(NotFound):
    """No collection has this name."""

    slug = "collection-not-found"
    title = "No such collection"


class DocumentNotFound(NotFound):
    """No document of the collection has this id."""

    slug = "document-not-found"
    title = "No such document"


class AlreadyExists(WinnowError):
    """Something of this name exists and differs."""

    slug = "already-exists"
    title = "It exists already"
    status = 409


class LeaseLost(WinnowError):
    """A lease is its holder's no more; what it was about to write was not written."""

    slug = "lease-lost"
    title = "Another process has taken this over"
    status = 409


class PageExpired(WinnowError):
    """The frozen ranking that ``next`` points to is gone."""

    slug = "page-expired"
    title = "This result list has expired"
    status = 410


class TooLarge(WinnowError):
    """A body, document or batch is over its cap."""

    slug = "too-large"
    title = "Too large"
    status = 413
    exit_code = 2


class Overloaded(WinnowError):
    """More work is queued than the deadline allows for."""

    slug = "overloaded"
    title = "Too many requests"
    status = 429


class ModelUnavailable(WinnowError):
    """No weights for a model could be had; the message lists what was tried."""

    slug = "model-unavailable"
    title = "A model is not available"
    status = 503


class EncoderMismatch(ModelUnavailable):
    """A model of the name was found, and its vectors are not those that the index holds."""

    slug = "encoder-mismatch"
    title = "The model is not the one that the index was built with"


class BackendUnavailable(WinnowError):
    """An engine, broker or cache did not answer as it should."""

    slug = "backend-unavailable"
    title = "A backend is unavailable"
    status = 503
    exit_code = 4

    def __init__(self, detail: str, *, retry_after_s: int | None = 5) -> None:
        super().__init__(detail, retry_after_s=retry_after_s)


class DeadlineExceeded(BackendUnavailable):
    """A backend took longer than its deadline."""

    slug = "deadline-exceeded"
    title = "A deadline passed"


class TaskLost(BackendUnavailable):
    """A worker died with a task in hand, or nobody has it; it may be handed out again."""

    slug = "task-lost"
    title = "A worker did not finish"


class DataDirectoryLocked(BackendUnavailable):
    """Another process owns the embedded stores of the data directory."""

    slug = "data-directory-locked"
    title = "The data directory is in use"


class DataFormatUnsupported(BackendUnavailable):
    """The data directory was written by a newer Winnow."""

    slug = "data-format-unsupported"
    title = "The data directory has a newer format"
