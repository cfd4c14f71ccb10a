"""Values to text, JSON and the other forms in which people and programs read them. Pure."""
