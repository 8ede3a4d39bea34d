"""Stage 3: classification of masks. Vocabulary, prompt templates, semantic mask."""
