"""One person's media and payload, erased everywhere, with a receipt of what was erased."""
