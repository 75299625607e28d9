"""The formats of dates and times in the admin; Django's own for English leave out the seconds."""

DATETIME_FORMAT = "Y-m-d H:i:s"
DATE_FORMAT = "Y-m-d"
