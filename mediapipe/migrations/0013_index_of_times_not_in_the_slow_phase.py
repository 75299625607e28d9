from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("mediapipe", "0012_names_of_routes_and_accounts"),
    ]

    operations = [
        migrations.AddIndex(
            model_name="mediaitem",
            index=models.Index(
                condition=models.Q(
                    ("sweep_at__isnull", False),
                    models.Q(("phase", "slow"), ("status", "retrying"), _negated=True),
                ),
                fields=["sweep_at"],
                name="media_sweep_not_slow",
            ),
        ),
    ]
