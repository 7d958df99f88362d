"""What the gateway answers, one file for each kind of path. `routes()` of each gives its paths; `app` joins them."""
