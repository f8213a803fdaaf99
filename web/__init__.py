"""The faces: the chat page. It holds no logic of its own."""
