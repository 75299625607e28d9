"""What a person who sets this up gets wrong, looked for on the real thing, a line each."""
