"""How the environment becomes settings, and what is said when it cannot; a module a section."""
