"""Recipe: kinds that sound, taught by name to frozen eyes and ears."""
