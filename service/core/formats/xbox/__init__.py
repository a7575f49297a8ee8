"""Read captured pages of Xbox, and read and write Partner Center's XML files. Pure."""
