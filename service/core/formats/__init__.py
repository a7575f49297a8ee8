"""File formats of catalogs: read texts and titles from bytes, and write them. All errors of a file are raised together."""
