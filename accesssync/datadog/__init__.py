"""Talk to Datadog: the only room that knows the official client, its errors and its wire format."""
