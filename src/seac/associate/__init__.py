"""Stage 2: which masks belong to the sound. Mask embedding, audio, association, aggregation."""
