from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("mediapipe", "0011_webhook_routes")]

    operations = [
        migrations.AlterModelOptions(
            name="webhookroute",
            options={
                "permissions": [("refresh_webhookroute", "Can read the URLs at Twilio again")],
            },
        ),
        migrations.AlterModelOptions(
            name="accounthealth",
            options={
                "permissions": [("pause_accounthealth", "Can pause and resume accounts")],
                "verbose_name": "account",
            },
        ),
    ]
