"""What runs the AR: torch with a cache, a step in C, torch.compile, llama.cpp; and exports."""
