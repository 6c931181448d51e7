// Search fetches the pages that it found, to show a part of each; from files nothing can be fetched.
DOCUMENTATION_OPTIONS.SHOW_SEARCH_SUMMARY = location.protocol !== "file:"
