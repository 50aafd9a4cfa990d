"""The server: one model, many requests, by HTTP in OpenAI's words."""
