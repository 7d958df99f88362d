"""What people look at: the HTML report, and the queue live in a terminal."""
