"""Statistics of pairs of features: counts (kernels), measures, ranking, intervals and nulls."""
