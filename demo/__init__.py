"""The embedded demo: how its tokenizer, model, SAEs and labels were made and measured; see README.md."""
