"""Documents -> a searchable library. It never sees a question being answered."""

import os

# Nothing leaves this computer. Said here, before any library is imported that would call home otherwise:
# onnxruntime does from 1.29 on, unless it is told not to before it starts.
os.environ["ORT_DISABLE_TELEMETRY"] = "1"
os.environ["ANONYMIZED_TELEMETRY"] = "False"
