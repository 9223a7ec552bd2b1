"""An illustrated field guide of invented creatures: species, scenes, pictures, captions and questions."""
