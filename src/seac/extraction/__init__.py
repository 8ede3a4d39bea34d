"""Extraction: frozen features of training pairs, made once and kept in a store."""
