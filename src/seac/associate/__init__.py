"""Stage 2: association of masks with audio. Mask embedding, association, aggregation."""
