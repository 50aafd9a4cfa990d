"""Temporary."""
def normalize(text: str, language: str = "en-us") -> str:
    return text.replace("—", ", ").replace("--", ", ")
