"""One folder per mesh. ``base`` says what an adapter is, ``registry`` finds them; they do not know each other."""
