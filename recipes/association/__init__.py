"""How the association that ships with the preset tiny was made: composites, frozen features, MICL."""
