"""Documents -> a searchable library. It never sees a question being answered."""
