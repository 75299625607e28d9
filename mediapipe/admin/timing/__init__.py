"""The timing view: charts, the tables beneath them and their CSV files."""
