"""For all tests: the fixtures of `gearmesh.testing`, and the table of what passed in the contract suites."""

pytest_plugins = ["gearmesh.testing.fixtures"]
