"""The commands of ``python -m core``: one module each, with ``configure(parser)`` and ``run(arguments)``."""
