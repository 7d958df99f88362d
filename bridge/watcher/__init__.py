"""From a finished cell to the caller: check once, repair or continue through the queue, hand over."""
