"""What is this repository? A file tree in, a build plan out; one module a stack. Pure: no file is opened here."""
