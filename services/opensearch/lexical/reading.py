"""Everything that is asked of one generation's index."""

from collections.abc import Mapping, Sequence

from services.candidates import FacetValue, Hit, IndexedVersion, Run, Survey
from services.collections import FieldType
from services.columns import from_stored
from services.documents import Chunk, ChunkRef
from services.filters import Filter
from services.opensearch.client import Json, OpenSearchClient
from services.opensearch.lexical.columns import column_name
from services.opensearch.lexical.compiler import (
    compile_chunk_words,
    compile_constraints,
    compile_document_words,
    compile_scope,
    every,
    none,
    some,
    term,
)
from services.opensearch.lexical.languages import PresentLanguages
from services.opensearch.lexical.rows import decode_chunk
from services.opensearch.lexical.schema import (
    CHUNK,
    DOCUMENT,
    MAX_DEPTH,
    column_mapping,
    document_field,
)
from services.opensearch.searching import hits, search_all, search_one, value
from services.queries import LexicalQuery, Scope, Sort

MAX_FACET_VALUES = 1_000
_ALL_VALUES = 2**31 - 1
_SPARE = 28
_MOST_IDS = 10_000
_CHUNK_COLUMNS = ("id", "ordinal", "version")
_DOCUMENT_COLUMNS = ("id", "version", "chunks")
_BEST_FIRST: Sequence[Json] = ({"_score": "desc"}, {"id": "asc"}, {"ordinal": "asc"})


class Reader:
    """The questions of the port, without state but for the languages present."""

    def __init__(self, client: OpenSearchClient, alias: str, languages: PresentLanguages) -> None:
        self._client = client
        self._alias = alias
        self._languages = languages

    async def search(self, query: LexicalQuery, depth: int) -> Run:
        """The best chunks of every language asked for, in one list."""
        depth = min(depth, MAX_DEPTH)
        if query.words.empty or depth < 1:
            return []
        queries = [
            _chunks(words, query.scope)
            for language in await self._languages.of(query.language)
            if (words := compile_chunk_words(query.words, language, query.scope)) is not None
        ]
        found = [hit for run in await self._best(queries, depth) for hit in run]
        found.sort(key=lambda hit: (-hit.score, hit.ref))
        return found[:depth]

    async def _best(self, queries: Sequence[Json], depth: int) -> Sequence[Run]:
        """The best ``depth`` rows of each query, ties at the cut by id and ordinal.

        The engine breaks ties by the place of rows in its segments, which merges change,
        and skips what cannot be among the best. Only where the cut falls between rows of
        one score is it asked again, to sort all of them.
        """
        limit = min(depth + _SPARE, MAX_DEPTH)
        quick = await search_all(self._client, self._alias, [_page(q, limit) for q in queries])
        runs = [_run(answer) for answer in quick]
        tied = [
            place
            for place, run in enumerate(runs)
            if len(run) == limit and run[-1].score == run[depth - 1].score
        ]
        bodies = [_page(queries[place], depth) | {"sort": _BEST_FIRST} for place in tied]
        for place, answer in zip(
            tied, await search_all(self._client, self._alias, bodies), strict=True
        ):
            runs[place] = _run(answer)
        return runs

    async def browse(
        self, query: LexicalQuery, sort: Sort | None, depth: int
    ) -> Sequence[IndexedVersion]:
        """Documents by a column, those without it last, or by their ids."""
        depth = min(depth, MAX_DEPTH)
        if depth < 1:
            return []
        matching = await self._documents(query)
        pages = [(matching, [])] if sort is None else _sorted_pages(matching, sort)
        bodies = [
            {
                "size": depth,
                "query": narrowed,
                "sort": [*order, {"id": "asc"}],
                **_only(_DOCUMENT_COLUMNS),
            }
            for narrowed, order in pages
        ]
        answers = await search_all(self._client, self._alias, bodies)
        return [_version(hit) for answer in answers for hit in hits(answer)][:depth]

    async def survey(self, query: LexicalQuery, facets: Mapping[str, Filter | None]) -> Survey:
        """Exact counts over the rows of documents, in one request."""
        rights = Scope(None, query.scope.rights)
        counted: Json = {"total": {"filter": every(compile_scope(query.scope))}}
        for place, (key, remaining) in enumerate(facets.items()):
            counted[f"facet {place}"] = {
                "filter": every(compile_scope(Scope(remaining))),
                "aggs": {kind.value: _values(kind, key) for kind in FieldType},
            }
        matching = await self._documents(LexicalQuery(query.words, rights, query.language))
        body = {"size": 0, "query": matching, "aggs": counted}
        found = (await search_one(self._client, self._alias, body))["aggregations"]
        return Survey(
            int(found["total"]["doc_count"]),
            {key: _facet(found[f"facet {place}"]) for place, key in enumerate(facets)},
        )

    async def matching(self, query: LexicalQuery, ids: Sequence[str]) -> frozenset[str]:
        """Which documents hold the phrases and none of the excluded words."""
        parts = [*_live(), *compile_scope(query.scope)]
        if query.words.constrained:
            parts.append(
                some(
                    [
                        every(
                            [
                                term("language", language),
                                *compile_constraints(
                                    query.words, language, document_field(language)
                                ),
                            ]
                        )
                        for language in await self._languages.of("")
                    ]
                )
            )
        found: set[str] = set()
        for start in range(0, len(ids), _MOST_IDS):
            asked = list(ids[start : start + _MOST_IDS])
            body = {
                "size": len(asked),
                "query": every([{"terms": {"id": asked}}, *parts]),
                **_only(("id",)),
            }
            answer = await search_one(self._client, self._alias, body)
            found |= {str(value(hit, "id")) for hit in hits(answer)}
        return frozenset(found)

    async def read(self, refs: Sequence[ChunkRef]) -> Mapping[ChunkRef, Chunk]:
        """The stored chunks under these names."""
        if not refs:
            return {}
        body = {"ids": list(dict.fromkeys(ref.uuid for ref in refs))}
        answer = await self._client.read(f"/{self._alias}/_mget", body, _source_includes="id,chunk")
        rows = [found["_source"] for found in answer["docs"] if found.get("found")]
        chunks = (decode_chunk(row["id"], row["chunk"]) for row in rows)
        return {chunk.ref: chunk for chunk in chunks}

    async def versions(self, after: str, limit: int) -> Sequence[IndexedVersion]:
        """What is indexed, by document id."""
        body = {
            "size": min(limit, MAX_DEPTH),
            "query": every([*_live(), {"range": {"id": {"gt": after}}}]),
            "sort": [{"id": "asc"}],
            **_only(_DOCUMENT_COLUMNS),
        }
        return [_version(hit) for hit in hits(await search_one(self._client, self._alias, body))]

    async def _documents(self, query: LexicalQuery) -> Json:
        """Live documents that match words, filter and rights."""
        parts = [*_live(), *compile_scope(query.scope)]
        words = query.words
        if words.empty and not words.excluded:
            return every(parts)
        languages = await self._languages.of(query.language)
        if words.empty:
            for language in languages:
                parts.extend(compile_constraints(words, language, document_field(language)))
            return every(parts)
        worded = (compile_document_words(words, language) for language in languages)
        return every([*parts, some([part for part in worded if part is not None])])


def _live() -> list[Json]:
    return [term("kind", DOCUMENT), term("live", value=True)]


def _chunks(words: Json, scope: Scope) -> Json:
    narrowing = [term("kind", CHUNK), *compile_scope(scope)]
    return {"bool": {"must": [words], "filter": narrowing}}


def _page(query: Json, size: int) -> Json:
    return {"size": size, "query": query, **_only(_CHUNK_COLUMNS)}


def _only(columns: Sequence[str]) -> Json:
    """Ask for columns and nothing stored: stored rows would be unpacked one by one."""
    return {"_source": False, "stored_fields": "_none_", "docvalue_fields": list(columns)}


def _run(answer: Json) -> list[Hit]:
    return [
        Hit(
            ChunkRef(str(value(hit, "id")), int(str(value(hit, "ordinal")))),
            int(str(value(hit, "version"))),
            float(hit["_score"] if hit["_score"] is not None else hit["sort"][0]),
        )
        for hit in hits(answer)
    ]


def _version(hit: Json) -> IndexedVersion:
    version, chunks = int(str(value(hit, "version"))), int(str(value(hit, "chunks")))
    return IndexedVersion(str(value(hit, "id")), version, chunks)


def _sorted_pages(matching: Json, sort: Sort) -> list[tuple[Json, list[Json]]]:
    """Documents that have the key in its order, then those that lack it.

    Two searches: the engine's own way of putting missing values last is to take the
    largest number for them, which is a number that a document may hold.
    """
    columns = {kind: column_name(kind, sort.key) for kind in FieldType}
    having = some([{"exists": {"field": column}} for column in columns.values()])
    order = [
        {
            column: {
                "order": "desc" if sort.descending else "asc",
                "mode": "min",
                "unmapped_type": column_mapping(kind)["type"],
            }
        }
        for kind, column in columns.items()
    ]
    return [(every([matching, having]), order), (every([matching, none([having])]), [])]


def _values(kind: FieldType, key: str) -> Json:
    """The commonest values; every shard reports all of its own, so that the sums are right."""
    return {
        "terms": {
            "field": column_name(kind, key),
            "size": MAX_FACET_VALUES,
            "shard_size": _ALL_VALUES,
            "order": [{"_count": "desc"}, {"_key": "asc"}],
        }
    }


def _facet(found: Json) -> Sequence[FacetValue]:
    """A key has values of one type; the columns of the others do not exist."""
    return tuple(
        FacetValue(from_stored(kind, bucket["key"]), int(bucket["doc_count"]))
        for kind in FieldType
        for bucket in found[kind.value]["buckets"]
    )
