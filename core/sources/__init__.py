"""Where activations come from: models and SAEs, corpora, the demo, planted activations, published graphs."""
