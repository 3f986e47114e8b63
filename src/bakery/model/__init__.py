"""The words of the domain as types, and the decisions over them, without any I/O."""
