"""How Chromium is started where nobody sees it: for pictures and for the browser tests."""

ARGUMENTS = (
    "--headless",
    "--no-sandbox",  # as root Chromium has none
    "--disable-gpu",
    "--disable-quic",
    "--disable-dev-shm-usage",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
