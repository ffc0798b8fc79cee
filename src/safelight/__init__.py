"""Safelight turns prompts into pictures and text: durable jobs, exact credits, many providers."""

__version__ = "0.1.0"
