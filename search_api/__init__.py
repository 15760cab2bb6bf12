"""Queries in: retrieval, fusion, the reranking window, pages, cache, explain, its routes and the search page."""
