"""The retry lab: what other schedules would have made of the delays that are on record."""
