"""The Combine keeps the documents of projects, every version of them, and the workflows that run on them."""
