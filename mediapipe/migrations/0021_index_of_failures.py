from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("mediapipe", "0020_accounts_of_api_tokens"),
    ]

    operations = [
        migrations.AddIndex(
            model_name="mediaitem",
            index=models.Index(
                condition=models.Q(("error", ""), _negated=True),
                fields=["status", "received_at", "error", "account_sid", "host", "id"],
                name="media_failures",
            ),
        ),
    ]
