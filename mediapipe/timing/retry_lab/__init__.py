"""Replays the recorded delays against other retry schedules, and proposes one."""
