"""Markup rendered to readable plain text with the outline of its headings."""
