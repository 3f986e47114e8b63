"""Commands that are clients of the API: they know the model's words and HTTP, and nothing else of Bakery."""
