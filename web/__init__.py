"""The faces: the chat page. It holds no logic of its own."""

import os

from web import stubs

# Gradio reads this when it is imported; nothing on this page calls home.
os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"

# Nor is a table of the last 10,000 events made after each of them, with pandas, for a page that is not served.
os.environ |= {"GRADIO_ANALYTICS_MAX_EVENTS": "1", "GRADIO_ANALYTICS_CACHE_FREQUENCY": str(10**9)}

stubs.leave_out()
