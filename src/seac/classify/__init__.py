"""Stage 3: names for masks. Vocabulary, prompt templates, semantic mask."""
