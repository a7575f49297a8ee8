"""One package per API. They never import each other."""
