"""Tantivy's schemas: one for chunk rows, one for document rows.

Chunks of each language have an index of their own: BM25 counts the average length and
the rarity of words over a whole index, so chunks of another language, or rows that stand
for documents, would shift both. Rows of documents are never scored, so one index with
a field for each language holds them all.
"""

from tantivy import Schema, SchemaBuilder

from services.analysis.table import ANALYZERS
from services.collections import MAX_KEYS_PER_TYPE, FieldType
from services.embedded.lexical.columns import column_name

RAW = "raw"
"""Tantivy's own tokenizer that keeps a value whole."""

BOOSTS = {"words": 1.0, "title": 0.3}
"""Weights of a chunk row's fields: everything (title, headings, text), and the title again.

Measured by nDCG@10 on whole documents and on chunks of 150 words: .699 and .686 on scifact,
.380 and .381 on cranfield, against .685, .682, .366 and .361 for everything alone, and .667,
.662, .376 and .373 for the sum of a title and a text field. Sets without titles do not care.
"""


def analyzer_name(language: str) -> str:
    """The name under which a language's analyzer is registered with an index."""
    return f"winnow_{language}"


def words_field(language: str) -> str:
    """A document row's field for all its words."""
    return f"words_{language}"


def chunk_schema(language: str) -> Schema:
    """Rows of one language's chunks: what is searched, filtered and read back."""
    builder = SchemaBuilder()
    _add_id(builder)
    builder.add_text_field("key", tokenizer_name=RAW, index_option="basic")
    builder.add_integer_field("version", fast=True)
    builder.add_bytes_field("chunk", stored=True)
    for name in BOOSTS:
        builder.add_text_field(name, tokenizer_name=analyzer_name(language))
    _add_narrowing(builder)
    return builder.build()


def document_schema() -> Schema:
    """Rows of documents and tombstones: what is counted, browsed, compared and matched."""
    builder = SchemaBuilder()
    _add_id(builder)
    builder.add_text_field("language", stored=True, tokenizer_name=RAW, index_option="basic")
    builder.add_integer_field("version", stored=True, fast=True)
    builder.add_integer_field("chunks", stored=True, fast=True)
    builder.add_boolean_field("live", stored=True, indexed=True)
    for language in ANALYZERS:
        builder.add_text_field(words_field(language), tokenizer_name=analyzer_name(language))
    _add_narrowing(builder)
    return builder.build()


def _add_id(builder: SchemaBuilder) -> None:
    builder.add_text_field("id", stored=True, fast=True, tokenizer_name=RAW, index_option="basic")


def _add_narrowing(builder: SchemaBuilder) -> None:
    """What filters and rights read: typed columns, and who may see the row."""
    builder.add_boolean_field("public", indexed=True)
    builder.add_text_field("principals", tokenizer_name=RAW, index_option="basic")
    for kind in FieldType:
        for place in range(MAX_KEYS_PER_TYPE):
            _add_column(builder, kind, column_name(kind, place))


def _add_column(builder: SchemaBuilder, kind: FieldType, name: str) -> None:
    match kind:
        case FieldType.KEYWORD:
            builder.add_text_field(name, fast=True, tokenizer_name=RAW, index_option="basic")
        case FieldType.INTEGER | FieldType.DATE:
            builder.add_integer_field(name, indexed=True, fast=True)
        case FieldType.FLOAT:
            builder.add_float_field(name, indexed=True, fast=True)
        case FieldType.BOOLEAN:
            builder.add_boolean_field(name, indexed=True, fast=True)
