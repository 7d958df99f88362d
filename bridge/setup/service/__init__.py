"""`bridge serve` and `bridge work` as services of this user: started at login or by hand, again after a crash, with a log."""
