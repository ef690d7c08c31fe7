"""What goes over the wire, a module for each kind of thing."""
