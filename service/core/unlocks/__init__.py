"""How progress is computed: measures, requirements, and the rules that unlock achievements. Pure."""
