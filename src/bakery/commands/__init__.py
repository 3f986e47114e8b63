"""Pure builders of commands and of the files that programs read, one module a tool."""
