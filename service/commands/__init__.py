"""What the command line does with catalogues and progress, over the same core as the doors."""
