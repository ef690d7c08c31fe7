"""What the documents say is true: blocks are run, tables are compared with the code."""
