"""As SimCLR."""

NO_CONTROL = "its guard is the pairs of two examples, as of the Siamese network with a margin, which has its control"
