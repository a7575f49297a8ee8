"""Read and write the files of stores: Steam's VDF, Google Play's ZIP, Epic's CSV. Pure."""
