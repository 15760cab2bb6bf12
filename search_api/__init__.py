"""Queries in: retrieval, fusion, window, pages, cache, explain; routes and the search page."""
