"""BCP 47 tags, Accept-Language and CLDR best-fit matching: which languages a caller reads, in order. Pure."""
