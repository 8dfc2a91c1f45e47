"""Other ways to the same result, written for comparison."""
