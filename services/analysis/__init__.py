"""From text to index terms: the analyzer table, language detection, terms and highlights."""
