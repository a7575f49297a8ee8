"""Xbox's files: captured pages and Partner Center's XML."""
