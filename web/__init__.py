"""The faces: the chat page. It holds no logic of its own."""

import os

from web import stubs

# Gradio reads this when it is imported; nothing on this page calls home.
os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"
stubs.leave_out()
