"""As SimCLR."""

NO_CONTROL = "its guard is SimCLR's, the other rows of the batch, which has its control"
