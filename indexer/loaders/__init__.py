"""Files of many formats as drafts: one module a format, each with one ``load(source)``."""
