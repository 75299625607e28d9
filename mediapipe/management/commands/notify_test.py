from argparse import ArgumentParser
from typing import Any
from uuid import uuid4

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from mediapipe.escalation.notifications.announcement import sample_announcement
from mediapipe.escalation.notifications.channels import send_over
from mediapipe.failures import Undelivered
from mediapipe.models import Channel

NOT_CONFIGURED = (
    "No channel is configured. Set ESCALATION_EMAILS and EMAIL_URL, ESCALATION_WEBHOOK_URL and "
    "ESCALATION_WEBHOOK_SECRET, or ESCALATION_SLACK_URL."
)


class Command(BaseCommand):
    """Sends from this process, without retries and without recording anything."""

    help = "Sends a test message to each notification channel; exits with 1 if one failed."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--channel", choices=Channel.values, help="only this channel")

    def handle(self, *args: Any, **options: Any) -> None:
        configured = Channel.configured()
        chosen = [channel for channel in configured if options["channel"] in (None, channel)]
        if not chosen:
            raise CommandError(
                f"{options['channel']} is not configured." if configured else NOT_CONFIGURED
            )
        failed = [channel for channel in chosen if not self._works(channel)]
        if failed:
            raise CommandError(f"{len(failed)} of {len(chosen)} channels failed.")

    def _works(self, channel: Channel) -> bool:
        announcement = sample_announcement(timezone.now())
        try:
            response = send_over(channel, announcement, f"msg_{uuid4().hex}")
        except Undelivered as undelivered:
            self.stdout.write(f"{channel.label}: failed. {undelivered.why}")
            return False
        self.stdout.write(f"{channel.label}: delivered. {response}")
        return True
