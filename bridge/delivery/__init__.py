"""From a finished answer to the caller: review it, ask again through the queue, hand it over."""
