"""How the admin writes dates and times; Django's own English leaves out the seconds."""

DATETIME_FORMAT = "Y-m-d H:i:s"
DATE_FORMAT = "Y-m-d"
