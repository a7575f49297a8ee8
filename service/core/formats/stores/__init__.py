"""Files of other stores: Steam's VDF, Google Play's ZIP, Epic's CSV."""
