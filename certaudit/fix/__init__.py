"""From findings to a plan, and from a plan to a changed machine and back.

``plan`` chooses (with ``switches``, ``confs``, ``hooks`` and ``resync`` for each remedy), ``perform``
does and undoes, ``checkpoint`` keeps what was done.
"""
