"""What happens without a request, when, and how often: one file a task."""
