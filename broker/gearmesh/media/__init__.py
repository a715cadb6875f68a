"""Files: what they are, what a network needs of them, and how they become it.

`sniff`, `probe`, `plan` and `orders` decide and do no I/O. `pictures` and `films` open files of strangers: they run in
processes of their own (`worker`), which the daemon starts, bounds and ends (`workshop`).
"""
