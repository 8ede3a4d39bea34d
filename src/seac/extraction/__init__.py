"""Extraction: frozen features of recipes pairs, made once and kept in a store."""
