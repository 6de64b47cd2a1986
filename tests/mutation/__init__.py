"""Mutation tests: does a test fail when a line of money is broken? See docs/mutation.md."""
