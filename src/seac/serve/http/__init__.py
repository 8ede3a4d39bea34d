"""Routes of the service, one file a resource, and the application that holds them."""
