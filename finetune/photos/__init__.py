"""RAVEN on real photos: retriever, memory, model and adapters, trained and measured by one command."""
