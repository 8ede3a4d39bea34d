"""Class heads from cached embeddings: trained whole for shipping, and without some classes to evaluate."""
