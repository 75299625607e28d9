from django.db import migrations, models


def fill(apps, schema_editor):
    """Work the delays out for the media that came in before."""
    media = apps.get_model("mediapipe", "MediaItem").objects.all()
    names = ["queue_lag_s", "delay_at_least_s", "delay_at_most_s"]
    batch = []
    for item in media.filter(first_attempt_at__isnull=False).iterator(1000):
        item.queue_lag_s = since_webhook_s(item, item.first_attempt_at)
        item.delay_at_least_s = max(
            0.0, since_webhook_s(item, item.last_not_found_at or item.received_at)
        )
        if item.found_at:
            item.delay_at_most_s = max(item.delay_at_least_s, since_webhook_s(item, item.found_at))
        batch.append(item)
        if len(batch) == 1000:
            media.bulk_update(batch, names)
            batch.clear()
    media.bulk_update(batch, names)


def since_webhook_s(item, moment):
    return (moment - item.received_at).total_seconds()


class Migration(migrations.Migration):
    dependencies = [
        ("mediapipe", "0002_incidents_and_troubled_accounts"),
    ]

    operations = [
        migrations.AddField(
            model_name="mediaitem",
            name="delay_at_least_s",
            field=models.FloatField(editable=False, null=True, verbose_name="delay at least (s)"),
        ),
        migrations.AddField(
            model_name="mediaitem",
            name="delay_at_most_s",
            field=models.FloatField(editable=False, null=True, verbose_name="delay at most (s)"),
        ),
        migrations.AddField(
            model_name="mediaitem",
            name="queue_lag_s",
            field=models.FloatField(editable=False, null=True, verbose_name="queue lag (s)"),
        ),
        migrations.RunPython(fill, migrations.RunPython.noop, elidable=True),
    ]
