"""`python -m gearmesh` is `gearmesh`."""

from gearmesh.cli import main

main()
