"""How fast statdl is, beside other packages and beside the arithmetic no method avoids.

``python -m benchmarks core`` (or ``mlp``) measures everything in one run, on the same data, in
turns, so that a busy machine slows all alike. ``python -m benchmarks readme`` puts the committed
results into README.md.

=============  ==========================================================================
``data``       data sets drawn from the models, from fixed seeds
``floors``     the arithmetic no method avoids, in the fastest NumPy we know
``ours``       statdl, full inference included
``peers``      statsmodels, scikit-learn and R, where installed
``mlp``        training networks: the tasks, statdl and its peers
``core``       the tasks: which data, which floor, which contenders, what must be reached
``timing``     contenders run in turns
``machine``    what the numbers were measured on
``table``      the result as text and as Markdown
=============  ==========================================================================
"""
